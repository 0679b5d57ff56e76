"""Every action that is written down has a name on the page of the audit log."""

import re
from pathlib import Path

from django.contrib import admin
from django.utils.translation import override

from core.access.audit_actions import ACTIONS

ROOT = Path(__file__).resolve().parents[3]
APPS = ("core", "bots", "events", "auth_sessions", "feishu_portal")
SUBJECTS = "operator|api_client|keys|bot|auth_session|user_token|replay|handler|subscription|alert_receiver|alert_group"


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
    for name in ACTIONS.values():
        with override("en"):
            english = str(name)
        with override("zh-hans"):
            assert str(name) != english
