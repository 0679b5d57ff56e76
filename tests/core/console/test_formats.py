from datetime import UTC, datetime

import pytest
from django import forms
from django.utils.formats import date_format, localize_input
from django.utils.translation import override

MOMENT = datetime(2026, 11, 9, 7, 5, 3, tzinfo=UTC)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_moments_are_written_alike_in_every_language(language):
    with override(language):
        assert date_format(MOMENT, "DATETIME_FORMAT") == "2026-11-09 07:05:03"
        assert date_format(MOMENT, "DATE_FORMAT") == "2026-11-09"
        assert localize_input(MOMENT.date()) == "2026-11-09"


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("text", ["2026-11-09 07:05:03", "2026/11/09 07:05"])
def test_moments_are_read_with_dashes_and_with_slashes(language, text):
    with override(language):
        assert forms.DateTimeField().clean(text).date() == MOMENT.date()
