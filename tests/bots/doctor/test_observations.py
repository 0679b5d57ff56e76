from datetime import timedelta

import pytest
from django.utils import timezone

from bots.doctor import observations
from bots.doctor.findings import Check, Finding
from bots.doctor.observations import Observation, observed
from bots.enums import CheckResult
from bots.models import Bot
from feishu.text import Text

NOW = timezone.now()


def test_the_latest_observation_of_a_check_speaks(monkeypatch):
    def seen(result: CheckResult, *, minutes_ago: int) -> Observation:
        return Observation(
            Finding(Check.REFRESH, result, Text("见", "Seen")), NOW - timedelta(minutes=minutes_ago)
        )

    monkeypatch.setattr(
        observations,
        "_observers",
        [
            lambda _bot: [seen(CheckResult.OK, minutes_ago=5), seen(CheckResult.WARNING, minutes_ago=9)],
            lambda _bot: [seen(CheckResult.WRONG, minutes_ago=1)],
            lambda _bot: [],
        ],
    )
    assert observed(Bot())[Check.REFRESH].finding.result is CheckResult.WRONG


@pytest.mark.parametrize("check", list(Check))
def test_every_check_has_a_title(check):
    title = Finding(check, CheckResult.OK, Text("", "")).title
    assert title.zh_cn
    assert title.en_us
