"""The search for secrets that every test ends with: it can fail."""

import base64
import json
import logging
from urllib.parse import parse_qs, quote, urlsplit

import httpx2
import pytest
from asgiref.sync import sync_to_async
from starlette.responses import PlainTextResponse

from auth_sessions.domain import operator_sign_in
from auth_sessions.domain.agents.tokens import ACCESS, REFRESH
from auth_sessions.domain.self_service import make_link
from auth_sessions.domain.sessions import authorize_link, request_authorization
from auth_sessions.models import UserToken
from core.access.actors import SYSTEM
from core.access.api_keys import add_api_client
from core.access.second_factors import recovery_codes
from core.access.setup_link import new_setup_link
from core.background.notify import notify
from events.subscriptions.http.signatures import new_secret
from sandbox.world import ids
from tests.factories import make_bot, make_grant, make_operator
from tests.services.leaks import ANSWER, LOG, TASK, Watch, is_of_the_portal, looks_like_a_secret, ways_found
from tests.services.recordings import hear_recording

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


@pytest.mark.parametrize(
    "make",
    [ids.tenant_token, ids.user_token, new_secret, lambda: ACCESS + "a" * 43, lambda: REFRESH + "r" * 43],
)
def test_tokens_and_signing_secrets_are_known_by_their_shape(make):
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
    _client, key = add_api_client(name="crm", scopes=[], bots=[], expires_at=None, actor=SYSTEM)
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
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url=f"http://{host}"
        ) as client:
            await client.get("/proxy/somewhere")
    assert [said.name for said in leaks.said if said.place == ANSWER] == ["/proxy/somewhere"]
    assert len(leaks.leaks()) == 1
    leaks.said.clear()  # it was meant


def test_codes_and_tickets_of_the_sandbox_are_known(leaks):
    assert {ids.authorization_code(), ids.ticket()} <= set(leaks.secrets)


@pytest.mark.django_db
def test_state_and_the_browsers_half_of_a_link_are_known_and_belong_to_the_start(leaks, client, monkeypatch):
    monkeypatch.setattr("auth_sessions.notify.notify", lambda *_sent: None)
    session = request_authorization(bot=make_bot(), open_id="ou_asked", actor=SYSTEM)
    response = client.get(urlsplit(authorize_link(session)).path, headers={"Sec-Fetch-User": "?1"})
    state = parse_qs(urlsplit(response["Location"]).query)["state"][0]
    [browser] = [cookie.value for name, cookie in response.cookies.items() if name.endswith("portal_auth")]
    assert {state, browser} <= set(leaks.secrets)
    assert leaks.leaks() == []
    leaks.hear(ANSWER, "/admin/auth_sessions/authsession/", f"{state} {browser}")
    assert len(leaks.leaks()) == 2
    leaks.said.clear()  # they were meant


@pytest.mark.django_db
def test_links_codes_and_states_that_work_once_are_known(leaks, settings):
    settings.PUBLIC_URL, bot = "https://portal.test", make_bot()
    setup = parse_qs(urlsplit(new_setup_link()).query)["token"]
    mine = make_link(bot=bot, open_id="ou_asked").split("/")[-2]
    codes = recovery_codes.make_codes(make_operator())
    sign_in = urlsplit(operator_sign_in.begin(bot, session="of the browser", page="/admin/"))
    once = {*setup, mine, *codes, *parse_qs(sign_in.query)["state"]}
    assert once <= set(leaks.secrets)
    leaks.hear(ANSWER, "/admin/security/codes/", " ".join(codes))
    leaks.hear(ANSWER, "/admin/login/feishu/", sign_in.query)
    assert leaks.leaks() == []
    leaks.hear(ANSWER, "/admin/", " ".join(once))
    assert len(leaks.leaks()) == len(once)
    leaks.said.clear()  # they were meant


@pytest.mark.parametrize(
    ("path", "is_ours"),
    [
        ("/", True),
        ("/admin/", True),
        ("/api/v1/bots", True),
        ("/oauth/callback/cli_1/", True),
        ("/oauth/agents/token/", True),
        ("/oauth/v3/token", False),
        ("/sandbox/api/books", False),
        ("/open-apis/im/v1/messages", False),
        ("/administration", False),
    ],
)
def test_paths_of_the_portal_are_told_from_those_of_the_sandbox(path, is_ours):
    assert is_of_the_portal(path) is is_ours


def recorded(path: str, body: str, *, kind: str = "text/html", headers: dict[str, str] | None = None) -> dict:
    given = [{"name": name, "value": value} for name, value in (headers or {}).items()]
    content = {"mimeType": kind, "text": base64.b64encode(body.encode()).decode(), "encoding": "base64"}
    return {
        "request": {"url": f"http://localhost{path}"},
        "response": {"headers": given, "content": content},
    }


def test_code_and_state_of_a_browsers_way_are_looked_for_in_its_pages_and_tokens_by_their_shape(tmp_path):
    code, state, cookie = "the-authorization-code", "the-state-of-a-link", "the-key-of-a-session"
    way = f"/oauth/callback/cli_1/?code={code}&state={state}"
    cookies = {"Set-Cookie": f"feishu_portal_session={cookie}; Path=/"}
    entries = [
        recorded("/oauth/start/the-start-token-of-a-link/", "", headers={"Location": f"/x?state={state}"}),
        recorded(way, "all is well", headers=cookies),
        recorded("/sandbox/pages", ids.user_token()),
        recorded("/admin/access/apiclient/1/change/", "fp_00000000_" + "k" * 40),
        recorded("/static/a.js", ids.user_token(), kind="text/javascript"),
    ]
    watch, file = Watch(), tmp_path / "recording"
    file.write_text(json.dumps({"log": {"entries": entries}}))
    hear_recording(watch, file)
    assert {code, state, cookie, "the-start-token-of-a-link"} == set(watch.secrets)
    assert watch.leaks() == []
    entries += [recorded(f"/admin/{secret}/", secret) for secret in (code, state, cookie, ids.user_token())]
    file.write_text(json.dumps({"log": {"entries": entries}}))
    hear_recording(watch, file)
    assert len(watch.leaks()) == 4
