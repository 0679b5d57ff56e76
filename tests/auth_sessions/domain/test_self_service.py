"""A person's own page: reached without a password, and by nobody else."""

import json
from urllib.parse import urlsplit

import httpx2
import pytest
from django.test import Client
from django.utils import timezone

from auth_sessions import handlers
from auth_sessions.domain.self_service import USES_SHOWN, make_link, send_self_service_card
from auth_sessions.enums import RevocationState, TokenStatus
from auth_sessions.models import Revocation, SelfServiceLink, TokenUse, UserToken
from core.access.models import AuditEntry
from tests.auth_sessions.test_handlers import arrived
from tests.factories import click_event, make_bot, make_grant

pytestmark = pytest.mark.django_db

BY_HAND = {"Sec-Fetch-User": "?1", "Accept-Language": "en"}


@pytest.fixture
def grant(bot) -> UserToken:
    return make_grant(bot, scopes=["offline_access", "task:task:read", "odd:scope"])


def link_of(bot, open_id: str = "ou_asked") -> str:
    return urlsplit(make_link(bot=bot, open_id=open_id, tenant_key="tenant")).path


def opened(bot, open_id: str = "ou_asked") -> Client:
    """A browser in which the person opened their link."""
    client = Client(headers=BY_HAND)
    assert client.get(link_of(bot, open_id)).status_code == 302
    return client


def use(bot, number: int = 1, open_id: str = "ou_asked", tenant_key: str = "tenant") -> TokenUse:
    return TokenUse.objects.create(
        bot=bot,
        open_id=open_id,
        tenant_key=tenant_key,
        caller=f"CRM {number}",
        kind="call",
        method="GET",
        path="/open-apis/task",
    )


def test_page_shows_what_was_allowed_and_who_used_it(bot, grant):
    use(bot)
    page = opened(bot).get("/oauth/my/")
    assert page.status_code == 200
    for text in (bot.name, "View tasks", "odd:scope", "CRM 1", "/open-apis/task"):
        assert text in page.text
    assert "access-token-1" not in page.text
    assert "refresh-token-1" not in page.text
    assert "no-store" in page["Cache-Control"]


def test_page_shows_the_last_uses_alone(bot, grant, django_assert_max_num_queries):
    for number in range(USES_SHOWN + 5):
        use(bot, number)
    client = opened(bot)
    with django_assert_max_num_queries(5):
        page = client.get("/oauth/my/")
    assert page.text.count("CRM ") == USES_SHOWN
    assert "CRM 0<" not in page.text


def test_strangers_grant_and_uses_are_not_on_it(bot, grant):
    use(bot, open_id="ou_stranger")
    page = opened(bot, "ou_stranger").get("/oauth/my/")
    assert "View tasks" not in page.text
    other = make_bot()
    use(other)
    use(bot, tenant_key="another")
    assert "CRM" not in opened(bot).get("/oauth/my/").text


def test_link_works_once_in_one_browser(bot, grant):
    path = link_of(bot)
    mine, thief = Client(headers=BY_HAND), Client(headers=BY_HAND)
    assert mine.get(path).status_code == 302
    assert thief.get(path).status_code == 410
    assert thief.get("/oauth/my/").status_code == 410
    assert mine.get("/oauth/my/").status_code == 200


def test_scanner_does_not_use_the_link_up(bot, grant):
    path = link_of(bot)
    assert "Continue" in Client().get(path, headers={"Accept-Language": "en"}).text
    client = Client()
    assert client.post(path).status_code == 302
    assert client.get("/oauth/my/").status_code == 200


def test_newer_link_ends_the_older(bot, grant):
    older = link_of(bot)
    link_of(bot)
    assert Client(headers=BY_HAND).get(older).status_code == 410


@pytest.mark.parametrize("made_up", ["/oauth/my/made-up/", "/oauth/my/"])
def test_made_up_link_and_missing_cookie_look_alike(bot, grant, made_up):
    assert Client(headers=BY_HAND).get(made_up).status_code == 410
    assert Client(headers=BY_HAND).post("/oauth/my/revoke/").status_code == 410


def test_link_and_page_end_in_time(bot, grant):
    path, client = link_of(bot), opened(bot)
    path = link_of(bot)
    SelfServiceLink.objects.update(expires_at=timezone.now())
    assert Client(headers=BY_HAND).get(path).status_code == 410
    assert client.get("/oauth/my/").status_code == 410


def test_person_revokes_on_the_page(bot, grant):
    client = opened(bot)
    page = client.post("/oauth/my/revoke/", REMOTE_ADDR="192.0.2.7")
    assert "can no longer act for you" in page.text
    assert AuditEntry.objects.get(action="user_token.revoked").address == "192.0.2.7"
    grant.refresh_from_db()
    assert (grant.status, grant.refresh_token) == (TokenStatus.REVOKED, "")
    assert Revocation.objects.get().actor == "user:ou_asked"
    assert "have not allowed" in client.get("/oauth/my/").text


def test_forged_form_revokes_nothing(bot, grant):
    client = Client(enforce_csrf_checks=True, headers=BY_HAND)
    client.get(link_of(bot))
    assert client.post("/oauth/my/revoke/").status_code == 403
    assert client.get("/oauth/my/revoke/").status_code == 405
    assert not Revocation.objects.exists()


def test_stranger_revokes_nothing_of_another(bot, grant):
    opened(bot, "ou_stranger").post("/oauth/my/revoke/")
    opened(make_bot()).post("/oauth/my/revoke/")
    grant.refresh_from_db()
    assert grant.status == TokenStatus.ACTIVE


def click(bot, handler, open_id: str = "ou_asked"):
    return handler(arrived(bot, click_event(value={"action": "x"}, open_id=open_id)), bot)


def test_card_goes_to_the_person_who_clicked_and_to_nobody_else(bot, grant, platform):
    assert click(bot, handlers.show_own, "ou_stranger")["toast"]["type"] == "success"
    sent = json.loads(platform.send.calls.last.request.content)
    assert sent["receive_id"] == "ou_stranger"
    assert "odd&#58;scope" not in sent["content"]
    assert "odd:scope" not in sent["content"]
    assert SelfServiceLink.objects.get().open_id == "ou_stranger"


def test_card_shows_facts_and_leads_to_the_page(bot, grant, platform):
    use(bot)
    click(bot, handlers.show_own)
    content = json.loads(platform.send.calls.last.request.content)["content"]
    assert "查看任务" in content
    assert "CRM 1" in content
    assert "/oauth/my/" in content
    assert "access-token-1" not in content


def test_without_a_public_address_the_card_is_all_there_is(bot, grant, platform, settings):
    settings.PUBLIC_URL = ""
    click(bot, handlers.show_own)
    content = json.loads(platform.send.calls.last.request.content)["content"]
    assert "/oauth/my/" not in content
    assert "撤销授权" in content
    answer = click(bot, handlers.revoke_own_grant)
    assert "授权已撤销" in json.dumps(answer, ensure_ascii=False)
    grant.refresh_from_db()
    assert grant.status == TokenStatus.REVOKED
    assert Revocation.objects.get().state == RevocationState.PENDING


def test_stranger_who_clicks_revoke_on_the_card_ends_nothing(bot, grant):
    answer = click(bot, handlers.revoke_own_grant, "ou_stranger")
    assert answer["toast"]["type"] == "info"
    grant.refresh_from_db()
    assert grant.status == TokenStatus.ACTIVE


def test_click_whose_card_cannot_be_sent_is_answered_with_an_error(bot, grant, platform):
    platform.send.mock(side_effect=httpx2.ConnectError("away"))
    assert click(bot, handlers.show_own)["toast"]["type"] == "error"


def test_person_without_a_grant_gets_an_answer(bot, platform):
    send_self_service_card(bot=bot, open_id="ou_asked", key="1")
    assert "目前没有授权" in json.loads(platform.send.calls.last.request.content)["content"]


def test_one_time_addresses_are_not_logged(bot, grant, caplog):
    path = link_of(bot)
    for _ in range(2):
        Client(headers=BY_HAND).get(path)
    Client(headers=BY_HAND).get("/oauth/start/a-made-up-token/")
    assert path not in caplog.text
    assert "a-made-up-token" not in caplog.text


def test_pages_with_a_form_let_the_browser_say_where_it_comes_from(bot, grant):
    path, client = link_of(bot), Client(enforce_csrf_checks=True, headers={"Accept-Language": "en"})
    page = client.get(path)
    assert page["Referrer-Policy"] == "same-origin"
    assert '<meta name="referrer" content="same-origin">' in page.text
    form = {"csrfmiddlewaretoken": client.cookies["feishu_portal_csrf"].value}
    assert client.post(path, form, headers={"Origin": "null"}).status_code == 403
    assert client.post(path, form, headers={"Origin": "http://testserver"}).status_code == 302
    assert client.get("/oauth/my/")["Referrer-Policy"] == "same-origin"
