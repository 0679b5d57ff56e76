"""Nothing from outside formats, links or mentions on a card, whichever card it is."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from auth_sessions.cards.authorization import authorization_card
from auth_sessions.cards.revocation import revocation_card
from auth_sessions.cards.scopes import MAX_BYTES, bullets
from auth_sessions.cards.self_service import self_service_card
from auth_sessions.domain.self_service import SelfServiceView
from auth_sessions.domain.sessions import request_authorization
from auth_sessions.enums import FailureReason, SessionState, TokenStatus, UseKind
from auth_sessions.errors import InvalidScopesError
from auth_sessions.models import AuthSession, DeviceConsent, Revocation, TokenUse
from core.access.actors import SYSTEM
from feishu.cards import MAX_BYTES as MAX_CARD
from tests.factories import make_bot, make_grant

EVIL = "x`**[点此](https://evil.example/login)**`\n---\n<at id=all></at> www.evil.example \u202e#~_!|\\"
SAFE = "offline_access"


def texts_of(node: Any) -> list[tuple[str, str]]:
    """Every text of a card with its tag."""
    if isinstance(node, list):
        return [text for one in node for text in texts_of(one)]
    if not isinstance(node, dict):
        return []
    own = [
        (node["tag"], text)
        for text in [node.get("content"), *node.get("i18n_content", {}).values()]
        if text and "tag" in node
    ]
    return own + [text for one in node.values() for text in texts_of(one)]


def is_harmless(card: dict[str, Any]) -> bool:
    for tag, text in texts_of(card):
        if "\u202e" in text or "evil" not in text:
            continue
        if tag == "plain_text":
            assert "\n" not in text
            continue
        for line in text.splitlines():
            if "evil" in line:
                foreign = line.replace("**", "").replace("- ", "", 1)
                assert not re.search(r"[<>\[\]()`~_|\\*!]|://|www\.", foreign), line
    assert len(json.dumps(card, ensure_ascii=False).encode()) <= MAX_CARD
    return True


def session(bot, **values: Any) -> AuthSession:
    now = timezone.now()
    defaults = {
        "open_id": "ou_asked", "scopes": [EVIL], "state": SessionState.SENT, "requested_by": "x", "via": "browser",
        "expires_at": now + timedelta(minutes=10), "created_at": now,
    }  # fmt: skip
    return AuthSession(bot=bot, **(defaults | values))


@pytest.fixture
def evil_bot(db):
    return make_bot(name=EVIL[:90])


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"added_scopes": [EVIL], "why": EVIL},
        {"scopes": [f"{EVIL}{number}" for number in range(200)]},
        {"state": SessionState.AUTHORIZED},
        {
            "state": SessionState.FAILED,
            "reason": FailureReason.PLATFORM_ERROR,
            "error_code": 20003,
            "error_log_id": EVIL,
        },
        {"state": SessionState.DENIED},
    ],
    ids=["request", "more", "many", "success", "failure", "declined"],
)
def test_card_of_a_session_is_harmless(evil_bot, values):
    assert is_harmless(authorization_card(session(evil_bot, **values), link="https://portal.test/x"))


def test_code_that_a_platform_makes_up_is_harmless(evil_bot):
    asked = session(evil_bot, via="device")
    asked.device = DeviceConsent(session=asked, user_code=EVIL)
    assert is_harmless(authorization_card(asked, link="https://portal.test/x"))
    assert is_harmless(authorization_card(asked, link=""))


@pytest.mark.parametrize("status", [TokenStatus.ACTIVE, TokenStatus.NEEDS_REAUTH])
def test_card_of_what_a_person_allowed_is_harmless(evil_bot, status):
    grant = make_grant(evil_bot, status=status, scopes=[EVIL] * 300)
    uses = [
        TokenUse(bot=evil_bot, kind=UseKind.CALL, caller=EVIL[:100], path="/open-apis/" + "[-]" * 160)
        for _ in range(5)
    ]
    assert is_harmless(self_service_card(SelfServiceView(evil_bot, "ou_asked", grant, uses), link=""))


def test_notice_of_a_revocation_is_harmless(evil_bot):
    grant = make_grant(evil_bot)
    assert is_harmless(revocation_card(Revocation(grant=grant, actor="api:x")))


def test_long_lists_are_cut_and_counted():
    text = bullets([f"scope:{number}" for number in range(1000)])
    assert text.en_us.endswith("… and 950 more")
    assert text.zh_cn.endswith("……以及另外 950 项")
    wide = bullets(["-" * 128] * 50)
    assert len(wide.en_us.encode()) < MAX_BYTES + 50


@pytest.mark.parametrize(
    "scope", [EVIL, "", " ", "a b", "-a", "任务", "a" * 129, "im:message\n", "x`y`", "a/b", "a[b]", "_a"]
)
def test_scope_of_another_shape_is_not_asked_for(bot, scope):
    with pytest.raises(InvalidScopesError):
        request_authorization(bot=bot, open_id="ou_asked", scopes=[SAFE, scope], actor=SYSTEM)
    assert not AuthSession.objects.exists()


@pytest.mark.parametrize(
    "scope", ["a", "im:message", "docx:document.block:convert", "task:task-list:read", "a" * 128]
)
def test_scope_of_the_right_shape_is_asked_for(bot, scope):
    assert request_authorization(bot=bot, open_id="ou_asked", scopes=[scope], actor=SYSTEM).scopes == [scope]


def test_scopes_are_counted(bot):
    with pytest.raises(InvalidScopesError):
        request_authorization(
            bot=bot, open_id="ou_asked", scopes=[f"a:{number}" for number in range(51)], actor=SYSTEM
        )
