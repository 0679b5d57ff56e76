"""The picker beside a list of scopes."""

import pytest
from django.utils.translation import override

from bots.admin.bot_form import BotForm
from feishu.scopes import named_scopes

CALENDAR = "calendar:calendar:readonly"
WORDS = {"en": ("Choose by name", "View calendars and events"), "zh-hans": ("按名称选择", "查看日历和日程")}


@pytest.mark.parametrize("language", WORDS)
def test_scopes_are_chosen_by_words_and_found_in_both_languages(language: str) -> None:
    summary, name = WORDS[language]
    with override(language):
        field = BotForm()["auth_scopes"]
        html = str(field)
    assert f"<summary>{summary}</summary>" in html
    assert f'value="{CALENDAR}"> {name} <code class="portal-id">{CALENDAR}</code>' in html
    searched = f"{CALENDAR} {WORDS['zh-hans'][1]} {WORDS['en'][1]}".lower()
    assert f'<li data-words="{searched}">' in html
    assert html.count('type="checkbox"') == len(named_scopes())
    assert f'data-scopes="{field.auto_id}"' in html


def test_list_is_there_without_scripts_and_the_picker_is_not() -> None:
    field = BotForm(initial={"auth_scopes": ["offline_access", CALENDAR]})["auth_scopes"]
    html = str(field)
    assert f"offline_access\n{CALENDAR}</textarea>" in html
    assert "hidden>" in html.partition("data-scopes=")[2].partition("<summary>")[0]
    assert "portal/scopes.js" in str(field.field.widget.media)
