"""Nobody reads or changes a bot that is not theirs, on any page, by any action, route or socket of the portal."""

import json
from collections.abc import Collection, Iterable
from typing import Any

import httpx2
import pytest
from asgiref.sync import sync_to_async
from django.contrib import admin
from django.test import Client

from core.console.live import sockets
from feishu_portal import asgi
from tests.core.console.live.browser import Socket, cookie_of
from tests.strangers.attempts import (
    BROWSERS,
    NO_SUCH_BOT,
    OPEN,
    Attempt,
    Who,
    action_attempts,
    addresses,
    calls,
    handshakes,
    key_of,
    models,
    page_attempts,
    route_attempts,
    stranger_of,
)
from tests.strangers.private import Private, Strangers, contents, make_private, make_strangers

# Each test sends hundreds of requests. What rows somebody sees is looked at on both databases in tests/console/test_visibility.py.
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(600),
    pytest.mark.only_on("postgres"),
]

AREAS = (
    "admin/bots/",
    "admin/events/",
    "admin/auth_sessions/",
    "admin/alerts/",
    "admin/approvals/",
    "admin/",
)
REFUSED = {401, 403, 404, 405}


@pytest.fixture(autouse=True)
def quiet(monkeypatch, settings) -> None:
    """Notifications stay in the process; sockets read often, so that a test need not wait."""
    settings.CHANNEL_LAYERS = {}
    monkeypatch.setattr(sockets, "READ_EVERY", 0.2)
    monkeypatch.setattr(sockets, "PAUSE", 0.05)


@pytest.fixture
def private() -> Private:
    return make_private()


@pytest.fixture
def strangers(private) -> Strangers:
    return make_strangers()


def area_of(attempt: Attempt) -> str:
    return next((area for area in AREAS if attempt.route.startswith(area)), "")


def found_in(text: str, attempt: object, private: Private) -> list[str]:
    """What of the private bot stands in an answer and was not in the question."""
    asked = str(attempt)
    return sorted(word for word in private.telling if word in text and word not in asked)


def fault_of(attempt: Attempt, who: Who, status: int, location: str) -> str:
    """What is wrong with the status of an answer; empty where it is a refusal, or the address is open to ``who``."""
    # On to another address, which is tried for itself.
    is_elsewhere = location in {f"{attempt.address}change/", f"{attempt.address}/"}
    is_no_such_bot = status == 400 and attempt.route in NO_SUCH_BOT
    if location.startswith("/admin/login/") or is_elsewhere or is_no_such_bot or status in REFUSED:
        return ""
    open_to, statuses = OPEN.get(attempt.route, (frozenset(), ()))
    if who in open_to and status in statuses:
        return ""
    return (
        f"answers {status} to {who.value}. Refuse, or say in OPEN of tests/strangers/attempts.py to whom it is open and what "
        "they find there."
    )


def tried(attempts: Iterable[Attempt], who: Who, private: Private, strangers: Strangers) -> list[str]:
    """Sends the requests; what was wrong with the answers."""
    faults = []
    client = client_of(who, private, strangers)
    for attempt in attempts:
        used = client_of(who, private, strangers) if attempt.route == "admin/logout/" else client
        answer = sent(attempt, used)
        text = b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()
        fault = fault_of(attempt, who, answer.status_code, answer.headers.get("Location", ""))
        faults += [f"{attempt} {fault}"] if fault else []
        faults += [f"{attempt} shows {who.value}: {word}" for word in found_in(text, attempt, private)]
    return faults


def client_of(who: Who, private: Private, strangers: Strangers) -> Client:
    key = key_of(who, private, strangers)
    client = Client(headers={"Authorization": f"Bearer {key}"} if key else {}, raise_request_exception=False)
    if user := stranger_of(who, strangers):
        client.force_login(user)
    return client


def sent(attempt: Attempt, client: Client) -> Any:
    send = getattr(client, attempt.method.lower())
    if attempt.method == "GET":
        return send(attempt.address)
    body: Any = json.dumps(attempt.body) if attempt.is_json else attempt.body
    return (
        send(attempt.address, body, content_type="application/json")
        if attempt.is_json
        else send(attempt.address, body)
    )


def changed(before: dict[str, dict[Any, Any]], after: dict[str, dict[Any, Any]]) -> list[str]:
    return [
        f"{label} {key}: {before[label].get(key)} became {after[label].get(key)}"
        for label in before
        for key in before[label].keys() | after[label].keys()
        if before[label].get(key) != after[label].get(key)
    ]


@pytest.mark.parametrize("area", ["", *AREAS])
@pytest.mark.parametrize("who", sorted(BROWSERS, key=lambda who: who.name), ids=lambda who: who.name.lower())
def test_no_page_is_open_to_a_stranger(who: Who, area: str, private: Private, strangers: Strangers) -> None:
    before = contents()
    attempts = [attempt for attempt in page_attempts(private) if area_of(attempt) == area]
    faults = tried(attempts, who, private, strangers)
    assert not faults, "\n".join(faults)
    assert changed(before, contents()) == []


@pytest.mark.parametrize("who", sorted(BROWSERS, key=lambda who: who.name), ids=lambda who: who.name.lower())
def test_no_action_on_chosen_rows_reaches_rows_of_others(
    who: Who, private: Private, strangers: Strangers
) -> None:
    before = contents()
    attempts = list(action_attempts(private, strangers))
    assert {attempt.body["action"] for attempt in attempts} > {
        "switch_off",
        "replay_selected",
        "revoke_chosen",
    }
    faults = []
    client = client_of(who, private, strangers)
    for attempt in attempts:
        answer = sent(attempt, client)
        faults += [f"{attempt} answers {answer.status_code}"] if answer.status_code >= 500 else []
        faults += [f"{attempt} shows {word}" for word in found_in(answer.content.decode(), attempt, private)]
    assert not faults, "\n".join(faults)
    assert changed(before, contents()) == []


@pytest.mark.parametrize("who", list(Who), ids=lambda who: who.name.lower())
def test_no_route_of_the_api_is_open_to_a_stranger(who: Who, private: Private, strangers: Strangers) -> None:
    before = contents()
    attempts = list(route_attempts(private))
    assert len(attempts) > 20
    faults = tried(attempts, who, private, strangers)
    assert not faults, "\n".join(faults)
    assert changed(before, contents()) == []


@pytest.fixture
def endpoints_called(private) -> dict[str, list[Attempt]]:
    return calls(private)


def test_every_endpoint_beside_django_is_called_by_strangers(
    endpoints_called: dict[str, list[Attempt]],
) -> None:
    assert set(endpoints_called) == set(asgi._endpoints), (
        "Say in calls() of tests/strangers/attempts.py how a stranger asks each endpoint for the private bot."
    )


@pytest.mark.parametrize("who", list(Who), ids=lambda who: who.name.lower())
async def test_no_endpoint_beside_django_is_open_to_a_stranger(
    who: Who, private: Private, strangers: Strangers, endpoints_called: dict[str, list[Attempt]]
) -> None:
    before = await sync_to_async(contents)()
    key = key_of(who, private, strangers)
    cookie = await sync_to_async(cookie_of)(stranger_of(who, strangers))
    headers = {"cookie": cookie} | ({"authorization": f"Bearer {key}"} if key else {})
    faults = []
    transport = httpx2.ASGITransport(app=asgi.application)
    try:
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://portal.test", headers=headers
        ) as client:
            for attempt in (one for some in endpoints_called.values() for one in some):
                answer = await client.request(attempt.method, attempt.address, json=attempt.body)
                fault = fault_of(attempt, who, answer.status_code, "")
                faults += [f"{attempt} {fault}"] if fault else []
                faults += [f"{attempt} shows {word}" for word in found_in(answer.text, attempt, private)]
    finally:
        for endpoint in asgi._endpoints.values():
            await endpoint.close()
    assert not faults, "\n".join(faults)
    assert changed(before, await sync_to_async(contents)()) == []


@pytest.fixture
def opened(private) -> dict[str, list[dict[str, Any]]]:
    return handshakes(private)


def test_every_socket_is_opened_by_strangers(opened: Collection[str]) -> None:
    assert set(opened) == set(asgi._sockets), (
        "Say in handshakes() of tests/strangers/attempts.py how a page asks each socket for the private bot."
    )


@pytest.mark.parametrize("who", sorted(BROWSERS, key=lambda who: who.name), ids=lambda who: who.name.lower())
async def test_no_socket_tells_a_stranger_anything(
    who: Who, private: Private, strangers: Strangers, opened: dict[str, list[dict[str, Any]]]
) -> None:
    cookie = await sync_to_async(cookie_of)(stranger_of(who, strangers))
    faults = []
    for path, each in opened.items():
        for handshake in each:
            async with Socket(asgi.application, path, cookie=cookie) as socket:
                heard = await told_until_quiet(socket, handshake)
            if who is not Who.OPERATOR and heard != [sockets.SIGNED_OUT]:
                faults.append(f"{path} tells {who.value}: {heard}")
            faults += [
                f"{path} {handshake} shows {word}" for word in found_in(json.dumps(heard), handshake, private)
            ]
    assert not faults, "\n".join(faults)


async def told_until_quiet(socket: Socket, handshake: dict[str, Any]) -> list[Any]:
    """The messages until the server has nothing more to tell, or the code with which it closes."""
    await socket.open(handshake)
    heard: list[Any] = []
    while True:
        sent = await socket.next()
        if sent["type"] == "websocket.close":
            return [*heard, sent.get("code", 1000)]
        heard.append(json.loads(sent["text"]))
        if heard[-1]["type"] == "alive":
            return heard


def test_entries_are_of_addresses_that_exist(private: Private) -> None:
    endpoints = (attempt for some in calls(private).values() for attempt in some)
    tried_routes = {
        attempt.route for attempt in (*page_attempts(private), *route_attempts(private), *endpoints)
    }
    assert {*OPEN, *NO_SUCH_BOT} - tried_routes == set()
    assert set(models().values()) <= set(private.rows)


def test_refusal_and_answer_are_told_apart() -> None:
    attempt = Attempt("admin/bots/bot/<path:object_id>/export/", "GET", "/admin/bots/bot/1/export/")
    assert fault_of(attempt, Who.OPERATOR, 404, "") == ""
    assert fault_of(attempt, Who.NOBODY, 302, "/admin/login/?next=/") == ""
    assert "say in OPEN" in fault_of(attempt, Who.OPERATOR, 200, "")
    assert "say in OPEN" in fault_of(attempt, Who.NOBODY, 302, "/elsewhere/")
    assert fault_of(Attempt("admin/", "GET", "/admin/"), Who.OPERATOR, 200, "") == ""
    assert "answers 200" in fault_of(Attempt("admin/", "GET", "/admin/"), Who.GUEST, 200, "")


def test_owner_finds_what_strangers_are_searched_for(private: Private) -> None:
    owner = Client()
    owner.force_login(private.bot.owners.get())
    page = owner.get(f"/admin/events/event/{private.key_of('events.Event')}/change/").content.decode()
    assert "zulu-confidential" in page
    assert found_in(page, "", private)


def test_pages_of_the_api_have_no_place_among_those_of_django() -> None:
    routes = [route for route, _pattern in addresses()]
    assert len(routes) > 100
    assert not [route for route in routes if route.startswith("api/v1/bots")]
    assert admin.site._registry
