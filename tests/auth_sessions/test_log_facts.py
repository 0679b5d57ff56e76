"""Log lines of an authorization say whose it is, from the request to its end, wherever they are written."""

import logging
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from auth_sessions.domain.card_sync import sync_card
from auth_sessions.domain.revocation.service import revoke_later, withdraw_at_platform
from auth_sessions.domain.sessions import authorize_link, request_authorization
from core.access.actors import SYSTEM
from core.log_context import request_facts
from tests.auth_sessions.conftest import oauth_error
from tests.factories import make_grant
from tests.services.log_lines import lines

pytestmark = pytest.mark.django_db

DEEP = logging.getLogger("feishu.tests")
"""Something far down that knows neither session nor bot."""


@pytest.fixture
def session(bot):
    return request_authorization(bot=bot, open_id="ou_asked", tenant_key="tenant", actor=SYSTEM)


def facts_of(session):
    return {"session": str(session.pk), "app_id": session.bot.app_id}


def test_journey_leaves_lines_that_name_session_and_bot(
    leaks, session, platform, client, django_capture_on_commit_callbacks
):
    opened = client.get(urlsplit(authorize_link(session)).path, headers={"Sec-Fetch-User": "?1"})
    state = parse_qs(urlsplit(opened["Location"]).query)["state"][0]
    with django_capture_on_commit_callbacks(execute=True):
        client.get(
            f"/oauth/callback/{session.bot.app_id}/", {"state": state, "code": "an-authorization-code"}
        )
    for event in ("authorization_requested", "authorization_opened", "authorization_ended"):
        [line] = lines(leaks, event)
        assert facts_of(session).items() <= line.items()
    assert lines(leaks, "authorization_ended")[0]["state"] == "authorized"


def test_line_of_a_request_says_why_a_link_or_an_answer_was_refused(session, client):
    path = urlsplit(authorize_link(session)).path
    said = []
    for address, data in (
        (path, {}),
        ("/oauth/start/no-such-link-0123456789/", {}),
        (f"/oauth/callback/{session.bot.app_id}/", {"state": "unknown", "code": "x"}),
    ):
        with request_facts() as facts:
            client.get(address, data)
        said.append((facts["outcome"], facts.get("session")))
    assert said[0] == ("shown", str(session.pk))
    assert said[1:] == [("link_unknown", None), ("unknown", None)]


def test_card_that_cannot_be_sent_names_its_session(leaks, session, platform):
    def answer(_request):
        DEEP.warning("deep_down")
        return oauth_error(99991400, status=500)

    platform.send.mock(side_effect=answer)
    sync_card(session.pk)
    for event in ("deep_down", "card_sync_failed"):
        assert facts_of(session).items() <= lines(leaks, event)[0].items()


def test_withdrawal_names_revocation_grant_and_bot(leaks, bot, platform):
    def answer(_request):
        DEEP.warning("deep_down")
        return httpx2.Response(502)

    platform.revoke.mock(side_effect=answer)
    grant = make_grant(bot)
    revocation = revoke_later(grant=grant, actor=SYSTEM)
    withdraw_at_platform(revocation.pk)
    facts = {"revocation": str(revocation.pk), "grant": str(grant.pk), "app_id": bot.app_id}
    for event in ("deep_down", "revocation_not_withdrawn"):
        assert facts.items() <= lines(leaks, event)[0].items()
