"""The search for secrets that every test ends with: it can fail."""

import base64
import logging
from urllib.parse import quote

import httpx
import pytest
from asgiref.sync import sync_to_async
from starlette.responses import PlainTextResponse

from auth_sessions.models import UserToken
from core.access.actors import SYSTEM
from core.access.api_keys import add_api_client
from core.background.notify import notify
from sandbox.world import ids
from tests.factories import make_bot, make_grant
from tests.services.leaks import ANSWER, LOG, TASK, Watch, looks_like_a_secret, ways_found

SECRET = "marked/secret+of the+test"


@pytest.mark.parametrize(
    ("text", "how"),
    [
        (f"token={SECRET}.", "as it is"),
        (f"?next={quote(SECRET, safe='')}", "URL-encoded"),
        (f"?next={quote(SECRET)}", "URL-encoded"),
        ("Basic " + base64.b64encode(f"app:{SECRET}".encode()).decode(), "in base64"),
        ("Basic " + base64.b64encode(f"app1:{SECRET}:x".encode()).decode(), "in base64"),
        ("Basic " + base64.urlsafe_b64encode(f"{SECRET}??".encode()).decode(), "in base64"),
    ],
)
def test_secret_is_found_in_every_form(text, how):
    assert how in set(ways_found(SECRET, text))


def test_part_of_a_secret_is_none():
    assert not list(ways_found(SECRET, f"{SECRET[:-1]} {base64.b64encode(SECRET[1:].encode()).decode()}"))


@pytest.mark.parametrize("make", [ids.tenant_token, ids.user_token])
def test_tokens_of_the_sandbox_are_known_by_their_shape(make):
    assert looks_like_a_secret(f"gave {make()} away")


def test_secret_is_no_leak_where_it_belongs_and_one_elsewhere():
    watch = Watch()
    watch.keep(SECRET, "auth_sessions.usertoken.access_token")
    watch.hear(ANSWER, "/api/v1/bots/cli_1/users/ou_1/token", SECRET)
    assert watch.leaks() == []
    watch.hear(ANSWER, "/api/v1/bots/cli_1/users/ou_1", SECRET)
    watch.hear(LOG, "portal", SECRET)
    assert len(watch.leaks()) == 2


@pytest.mark.django_db
def test_everything_stored_sealed_and_every_key_is_known(leaks):
    make_grant(make_bot(app_secret="the-app-secret"), access_token="the-access", refresh_token="the-refresh")
    _client, key = add_api_client(name="crm", scopes=[], app_ids=[], expires_at=None, actor=SYSTEM)
    assert {"the-app-secret", "the-access", "the-refresh", key} <= set(leaks.secrets)


@pytest.mark.django_db
def test_log_lines_task_messages_and_answers_are_heard(leaks, client):
    make_grant(make_bot(), access_token="the-access-token")
    logging.getLogger("portal.somewhere").warning(
        "lent", extra={"what": UserToken.objects.get().access_token}
    )
    notify("auth_sessions.sync_card", "the-access-token")
    client.get("/oauth/start/the-access-token/")
    heard = {said.place for said in leaks.said if "the-access-token" in said.text}
    assert {LOG, TASK} <= heard
    assert len(leaks.leaks()) >= 2
    leaks.said.clear()  # they were meant


@pytest.mark.django_db(transaction=True)
async def test_answers_that_do_not_come_from_django_are_heard_and_those_of_the_platform_are_not(leaks):
    await sync_to_async(lambda: make_grant(make_bot(), access_token="the-access-token"))()
    app = PlainTextResponse("Bearer the-access-token")
    for host in ("portal.test", "platform.test"):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{host}") as client:
            await client.get("/proxy/somewhere")
    assert [said.name for said in leaks.said if said.place == ANSWER] == ["/proxy/somewhere"]
    assert len(leaks.leaks()) == 1
    leaks.said.clear()  # it was meant
