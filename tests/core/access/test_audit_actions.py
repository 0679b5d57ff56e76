"""Every action that is written down has a name on the page of the audit log."""

import re
from pathlib import Path

import pytest
from django.contrib import admin
from django.utils.translation import override

from core.access.audit_actions import ACTIONS, GROUPS

ROOT = Path(__file__).resolve().parents[3]
APPS = ("core", "bots", "events", "auth_sessions", "feishu_portal")
SUBJECTS = "agent|agent_access|approval|audit|campaign|card_template|greeting|message_batch|operator|api_client|keys|bot|problem|auth_session|user_token|replay|handler|subscription|alert_receiver|alert_group|incident"


def test_every_action_in_the_code_has_a_name_in_both_languages() -> None:
    admin.autodiscover()
    literal = re.compile(rf'(?<!bound_to=)"((?:{SUBJECTS})\.[a-z_]+|(?:events|installation)\.[a-z_]+ed)"')
    written = {
        action
        for app in APPS
        for path in (ROOT / app).rglob("*.py")
        for action in literal.findall(path.read_text(encoding="utf-8"))
    }
    assert written == ACTIONS.keys()
    assert {code.partition(".")[0] for code in written} == GROUPS.keys()
    for words in (
        *(word for action in ACTIONS.values() for word in (action.name, action.sentence, action.own) if word),
        *GROUPS.values(),
    ):
        with override("en"):
            english = str(words)
        with override("zh-hans"):
            assert str(words) != english


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_action_is_a_sentence_that_can_be_filled_in(language: str) -> None:
    admin.autodiscover()
    with override(language):
        for code, action in ACTIONS.items():
            for words in filter(None, (action.sentence, action.own)):
                assert "%" not in str(words) % {"actor": "lin", "target": "CRM"}, code
