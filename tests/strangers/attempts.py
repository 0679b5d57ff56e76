"""What a stranger can try: every address, action, socket and API route of the running configuration, on the private bot.

A new one is found by itself and has to refuse every stranger. What it is that has no answer yet is said by the error:

- an address or route with a parameter that is not in ``PARAMETERS``: say there which value leads to the private bot;
- a page of a model without a private row: make one in ``private.py``;
- a socket or an endpoint beside Django: say in ``HANDSHAKES`` or ``CALLS`` how the private bot is asked for;
- an address that is open to some strangers: say in ``OPEN`` to whom, and what they find there.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from ninja.operation import PathView

from core.access.models import User
from events.admin.tail import SOCKET as EVENTS_SOCKET
from events.ingress.webhook.endpoint import PREFIX as WEBHOOK
from feishu_portal.api import api
from feishu_portal.api.connections import api as connections_api
from feishu_portal.api.error_pages import ROOTS
from feishu_portal.api.mcp.server import PREFIX as MCP
from feishu_portal.api.proxy.target import PREFIX as PROXY
from feishu_portal.api.streaming.server import ROUTE as STREAM
from tests.strangers.private import Private, Strangers

UUID_OF_NOTHING = "00000000-0000-4000-8000-000000000000"
ALERTS = {
    "groupKey": "x",
    "status": "firing",
    "alerts": [{"status": "firing", "startsAt": "2026-01-01T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z"}],
}
AS_WRITTEN = {f"^{ROOTS}": "/api/nothing"}
"""An address of each route whose regular expression has more than parameters in it."""
NINJA = {"api/v1/": api, "api/feishu/": connections_api}


class Who(Enum):
    """Who tries."""

    NOBODY = "nobody"
    GUEST = "somebody who is signed in and no operator"
    OPERATOR = "an operator of another bot"
    CLIENT = "an API client of another bot, with every scope"
    SCOPELESS = "an API client of the bot, without a scope"


EVERYBODY = frozenset(Who)
OPERATORS = frozenset({Who.OPERATOR})
CLIENTS = frozenset({Who.CLIENT})
BROWSERS = frozenset({Who.NOBODY, Who.GUEST, Who.OPERATOR})


@dataclass(frozen=True)
class Attempt:
    """One request. ``route`` is the pattern it is for."""

    route: str
    method: str
    address: str
    body: dict[str, Any] = field(default_factory=dict)
    is_json: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.address} {self.body or ''}".rstrip()


def open_to(who: frozenset[Who], _what: str, *statuses: int) -> tuple[frozenset[Who], tuple[int, ...]]:
    return who, statuses or (200,)


ASKS = "a form about the own bots"
LISTS = "what the operator's own bots have"
OWN = "nothing but what belongs to the account itself"
DOORS = "the way in, or the words for somebody who has no link"
LISTED = (
    "access/auditentry", "alerts/alertgroup", "alerts/alertreceiver", "approvals/callapproval", "auth_sessions/authsession",
    "auth_sessions/campaign", "auth_sessions/campaignmember", "auth_sessions/connectedagent", "auth_sessions/tokenuse", "auth_sessions/usertoken", "bots/bot",
    "bots/batchrecipient", "bots/cardtemplate", "bots/messagebatch",
    "bots/connectionloss", "bots/connectionslot", "bots/incident", "bots/person", "bots/replystream", "bots/sending", "events/event", "events/handledbot",
    "events/replayjob", "events/subscription", "greetings/greeting",
)  # fmt: skip
OPEN = {
    **{f"admin/{page}/": open_to(OPERATORS, LISTS) for page in LISTED},
    "": open_to(EVERYBODY, "the way to the console", 302),
    "admin/": open_to(OPERATORS, LISTS),
    "admin/login/": open_to(EVERYBODY, DOORS, 200, 302),
    "admin/security/": open_to(OPERATORS, OWN),
    "admin/login/second-step/": open_to(EVERYBODY, DOORS, 302),
    "admin/login/feishu/": open_to(EVERYBODY, DOORS, 302),
    "admin/login/passkey/": open_to(EVERYBODY, DOORS, 400),
    "admin/login/passkey/options/": open_to(EVERYBODY, DOORS),
    "admin/security/sessions/": open_to(OPERATORS, OWN, 302),
    "admin/security/notices/": open_to(OPERATORS, OWN, 302),
    "admin/security/feishu/unlink/": open_to(OPERATORS, OWN, 302),
    "admin/security/confirm/": open_to(OPERATORS, OWN),
    "admin/security/confirm/passkey/": open_to(OPERATORS, OWN, 400),
    "admin/security/confirm/passkey/options/": open_to(OPERATORS, OWN),
    "admin/security/app/begin/": open_to(OPERATORS, OWN, 302),
    "admin/security/app/": open_to(OPERATORS, OWN, 200, 302),
    "admin/security/codes/": open_to(OPERATORS, OWN, 302),
    "admin/security/passkeys/": open_to(OPERATORS, OWN, 400),
    "admin/security/passkeys/options/": open_to(OPERATORS, OWN),
    "admin/setup/": open_to(EVERYBODY, DOORS, 410),
    "admin/logout/": open_to(BROWSERS, DOORS, 200, 302),
    "admin/autocomplete/": open_to(OPERATORS, LISTS),
    "admin/password_change/": open_to(OPERATORS, OWN),
    "admin/password_change/done/": open_to(OPERATORS, OWN),
    "admin/jsi18n/": open_to(OPERATORS, "words of Django's own scripts"),
    "admin/search/": open_to(OPERATORS, LISTS),
    "admin/access/auditentry/export/": open_to(OPERATORS, LISTS),
    "admin/^<app_label>/$": open_to(OPERATORS, "the way to the overview", 302),
    "admin/agents/connect/": open_to(OPERATORS, ASKS),
    "admin/connections/": open_to(OPERATORS, LISTS),
    "admin/connections/changes/": open_to(OPERATORS, LISTS),
    "admin/connections/bots/": open_to(OPERATORS, LISTS),
    "admin/bots/bot/add/": open_to(OPERATORS, "a page for a bot of one's own"),
    "admin/bots/bot/register/": open_to(OPERATORS, "the own QR code", 302),
    "admin/bots/cardtemplate/add/": open_to(OPERATORS, ASKS),
    "admin/greetings/greeting/add/": open_to(OPERATORS, ASKS),
    "admin/bots/cardtemplate/preview/": open_to(OPERATORS, "the preview of what is sent along"),
    "admin/events/event/dead-letters/": open_to(OPERATORS, LISTS),
    "admin/events/event/live/": open_to(OPERATORS, LISTS),
    "admin/events/event/live/poll/": open_to(OPERATORS, LISTS),
    "admin/events/event/replay/": open_to(OPERATORS, ASKS, 200, 302),
    "admin/events/handledbot/handlers/": open_to(OPERATORS, LISTS),
    "admin/events/handledbot/switch/": open_to(OPERATORS, ASKS),
    "admin/events/subscription/add/": open_to(OPERATORS, ASKS),
    "admin/alerts/alertreceiver/add/": open_to(OPERATORS, ASKS),
    "admin/auth_sessions/authsession/ask/": open_to(OPERATORS, ASKS),
    "admin/auth_sessions/authsession/ask-people/": open_to(OPERATORS, ASKS, 302),
    "admin/auth_sessions/authsession/ask-many/": open_to(OPERATORS, ASKS, 302),
    "admin/auth_sessions/campaign/new/": open_to(OPERATORS, ASKS),
    "admin/auth_sessions/campaign/new-campaign/": open_to(OPERATORS, ASKS, 302),
    "admin/events/shedcount/": open_to(OPERATORS, "counts of the whole portal, which name nobody"),
    "i18n/setlang/": open_to(EVERYBODY, "the language of the own browser", 302),
    "oauth/start/<slug:token>/": open_to(EVERYBODY, DOORS, 400, 404, 410),
    "oauth/callback/<slug:app_id>/": open_to(EVERYBODY, DOORS, 400, 404, 410),
    "oauth/my/": open_to(EVERYBODY, DOORS, 400, 404, 410),
    "oauth/my/revoke/": open_to(EVERYBODY, DOORS, 400, 404, 410),
    "oauth/my/agents/<uuid:agent_id>/disconnect/": open_to(EVERYBODY, DOORS, 410),
    "oauth/my/approvals/<uuid:approval_id>/end/": open_to(EVERYBODY, DOORS, 410),
    # A button, and the way to the platform's page.
    "oauth/approvals/<uuid:approval_id>/": open_to(EVERYBODY, DOORS, 200, 302),
    "oauth/approvals/<uuid:approval_id>/answer/": open_to(EVERYBODY, DOORS, 302),
    "oauth/approvals/<uuid:approval_id>/body/": open_to(EVERYBODY, DOORS, 302),
    **{
        f".well-known/oauth-{name}": open_to(EVERYBODY, "where agents ask for a token")
        for name in ("protected-resource", "protected-resource/mcp", "authorization-server")
    },
    "oauth/agents/authorize/": open_to(EVERYBODY, DOORS, 400, 403),
    "oauth/agents/consent/<uuid:consent_id>/": open_to(EVERYBODY, DOORS, 400),
    "oauth/agents/register/": open_to(EVERYBODY, DOORS, 400),
    "oauth/agents/token/": open_to(EVERYBODY, DOORS, 400, 401),
    "oauth/agents/revoke/": open_to(EVERYBODY, DOORS, 400, 401),
    "oauth/my/<slug:token>/": open_to(EVERYBODY, DOORS, 400, 404, 410),
    "api/v1/openapi.json": open_to(EVERYBODY, "the description of the API"),
    "api/v1/docs": open_to(EVERYBODY, "the description of the API"),
    "GET api/v1/bots": open_to(CLIENTS, "the client's own bots"),
    "/mcp tools": open_to(frozenset({Who.CLIENT, Who.SCOPELESS}), "the tools of the own key"),
    "GET api/feishu/ws/status": open_to(CLIENTS | OPERATORS, "the own bots"),
}
"""Whom an address answers with something else than a refusal. All of it is searched for what is the private bot's."""

NO_SUCH_BOT = {f"{method} api/feishu/bots/<bot_id>/ws/{verb}" for method, verb in (
    ("POST", "connect"), ("POST", "disconnect"), ("GET", "status"))}  # fmt: skip
"""Answer 400 for a bot that is not the caller's, as for one that is not there: so the interface wants it."""


def parameters(private: Private) -> dict[str, tuple[str, ...]]:
    """Values of an address's parameters that lead to the private bot."""
    session = private.rows["auth_sessions.AuthSession"]
    return {
        "bot_id": (private.key_of("bots.Bot"), private.bot.app_id),
        "app_id": (private.bot.app_id,),
        "open_id": ("ou_zulu", "zulu@example.com"),
        "person": ("ou_zulu", "on_zulu", "zulu_id", "zulu@example.com"),
        "message_id": ("om_zulu",),
        "batch_id": (private.key_of("bots.MessageBatch"),),
        "event_id": (private.key_of("events.Event"),),
        "session_id": (private.key_of("auth_sessions.AuthSession"),),
        "subscription_id": (private.key_of("events.Subscription"),),
        "template": (private.key_of("bots.CardTemplate"), "zulu-card"),
        "approval_id": (private.key_of("approvals.CallApproval"),),
        "receiver_id": (private.key_of("alerts.AlertReceiver"),),
        "agent_id": (private.key_of("auth_sessions.ConnectedAgent"),),
        "consent_id": (UUID_OF_NOTHING,),
        "slot_id": (private.key_of("bots.ConnectionSlot"),),
        # What a copy of the database has of a link opens nothing.
        "token": (str(session.pk), session.start_hash, "x" * 43),
        "digest": ("ab" * 32,),
        "kind": ("totp",),
        "key": (private.key_of("access.TotpDevice"),),
        "user_id": (private.key_of("access.User"),),
        "app_label": ("bots", "events", "auth_sessions", "alerts", "approvals", "greetings"),
        "url": ("bots/bot", "no/such/page/"),
    }  # fmt: skip


def forms(private: Private) -> dict[str, list[dict[str, Any]]]:
    """What is posted where an empty form would be refused whoever sends it, or names no bot."""
    bot, event = private.key_of("bots.Bot"), private.key_of("events.Event")
    replay = {"mode": "all", "rate": "5"}
    live: dict[str, Any] = {"bot__id__exact": bot}
    return {
        "admin/bots/bot/<path:object_id>/change/": [{"name": "Taken over", "platform": "custom", "slot_count": "1"}],
        "admin/bots/bot/<path:object_id>/groups/": [{"chat_id": "oc_tap", "policy": "every_message"}, {"group-oc_zulu": ""}],
        "admin/bots/bot/<path:object_id>/delete/": [{"post": "yes", "name": private.bot.name}],
        "admin/events/subscription/<path:object_id>/delete/": [{"post": "yes"}],
        "admin/events/event/<path:object_id>/replay/": [replay],
        "admin/events/event/<path:object_id>/run-handler/": [{"handler": "zulu.handlers.order"}],
        "admin/bots/cardtemplate/<path:object_id>/change/": [{"description": "Taken over", "card": "{}", "variables": "{}"}],
        "admin/bots/cardtemplate/<path:object_id>/delete/": [{"post": "yes"}],
        "admin/bots/cardtemplate/add/": [{"name": "tap", "bot": bot, "card": '{"elements": []}', "variables": "{}"}],
        "admin/greetings/greeting/<path:object_id>/change/": [{"text": "Tap", "pause_minutes": "1", "enabled": "on"}],
        "admin/greetings/greeting/<path:object_id>/delete/": [{"post": "yes"}],
        "admin/greetings/greeting/add/": [{"bot": bot, "occasion": "bot_added", "text": "Tap", "pause_minutes": "1", "enabled": "on"}],
        "admin/alerts/alertreceiver/<path:object_id>/change/": [{"name": "Tap", "chat_id": "oc_tap", "alertmanager_url": ""}],
        "admin/alerts/alertreceiver/<path:object_id>/delete/": [{"post": "yes"}],
        "admin/alerts/alertreceiver/add/": [{"name": "Tap", "bot": bot, "chat_id": "oc_tap", "alertmanager_url": ""}],
        "admin/events/subscription/add/": [
            {"name": "Tap", "kind": "pull", "event_types": "*", "filter": "", "bots": bot},
            {"name": "Tap", "kind": "push", "url": "https://tap.example.com/", "event_types": "*", "bots": [bot]},
            {"name": "Tap", "kind": "answer", "url": "https://tap.example.com/", "event_types": "*", "bots": [bot]},
        ],
        "admin/events/handledbot/<path:object_id>/change/": [{"handler": "zulu.handlers.order", "on": "1"}],
        "admin/auth_sessions/authsession/ask/": [{"bot": bot, "open_ids": "ou_somebody", "once": UUID_OF_NOTHING}],
        "admin/auth_sessions/campaign/new/": [{"bot": bot, "name": "Tap", "open_ids": "ou_somebody", "card_days": "3"}],
        **{f"admin/problems/{verb}/": [{"key": f"{fact}:{bot}"} for fact in ("connection", "setup", "grants", "unreadable")]
            for verb in ("silence", "unsilence")},
        "admin/connections/changes/": [{"json": {"rows": {}, "columns": "", "heads": ""}}],
        "admin/connections/bots/": [
            {"json": {"badges": {bot: ""}}}, {"json": {"badges": {}, "checklists": {bot: ""}, "verdict": "x", "problems": "x"}},
        ],
        "admin/events/event/live/poll/": [
            {"json": {"cursor": 0, "filters": filters}} for filters in ({}, live, {"event_type__exact": "zulu.secret.type_v1"})
        ],
        "POST api/v1/bots/<bot_id>/users/<open_id>/token": [{}, {"tenant_key": "tenant"}],
        "POST api/v1/bots/<bot_id>/messages": [
            {"receive_id": "ou_zulu", "text": "x"}, {"receive_id": "ou_zulu", "template": "zulu-card"},
        ],
        "POST api/v1/bots/<bot_id>/messages/batch": [{"recipients": [{"receive_id": "ou_zulu"}], "text": "x"}],
        "POST api/v1/bots/<bot_id>/messages/<message_id>/reply": [{"text": "x"}],
        "PATCH api/v1/bots/<bot_id>/messages/<message_id>": [{"content": {"elements": []}}],
        "POST api/v1/alertmanager/<receiver_id>": [ALERTS],
        "POST api/v1/events/<event_id>/replay": [{}, {"mode": "all"}],
        "POST api/v1/subscriptions/<subscription_id>/ack": [{"cursor": 9}, {"ids": [int(event)]}],
        "POST api/v1/bots/<bot_id>/auth-sessions": [{"open_id": "ou_zulu"}, {"open_id": "ou_zulu", "deliver": "link"}],
    }  # fmt: skip


def queries(private: Private) -> dict[str, list[str]]:
    """Queries of addresses that name the private bot, or something of it."""
    bot, event = private.key_of("bots.Bot"), private.key_of("events.Event")
    return {
        "admin/search/": ["q=zulu", "q=on_zulu", "q=zulu_id", f"q={private.bot.app_id}", "q=zulu-event", "q=ou_zulu", "q=ou_zulu_target"],
        "admin/autocomplete/": [
            "term=zulu&app_label=events&model_name=subscription&field_name=bots",
            "term=zulu&app_label=bots&model_name=bot&field_name=owners",
        ],
        "admin/agents/connect/": [f"bot={bot}&person=ou_zulu"],
        "admin/connections/": ["q=zulu&show=error"],
        "admin/events/event/": ["q=zulu", f"bot__id__exact={bot}", "event_type__exact=zulu.secret.type_v1"],
        "admin/events/event/dead-letters/": [f"bot__id__exact={bot}", f"bot={bot}"],
        "admin/events/event/live/": [f"bot__id__exact={bot}"],
        "admin/events/event/replay/": [f"bot__id__exact={bot}", f"pk={event}", "event_type__exact=zulu.secret.type_v1"],
        "admin/events/event/<path:object_id>/test-filter/": [f"subscription={private.key_of('events.Subscription')}"],
        "admin/events/handledbot/switch/": ["handler=auth_sessions.handlers.answer_command&on=0"],
        "admin/bots/bot/": ["q=zulu"],
        "admin/bots/cardtemplate/": [f"bot__id__exact={bot}", "q=zulu"],
        "admin/greetings/greeting/": [f"bot__id__exact={bot}"],
        "admin/bots/incident/": [f"bot__id__exact={bot}", "q=zulu"],
        "admin/bots/sending/": [f"bot__id__exact={bot}", "q=ou_zulu_target"],
        "admin/bots/messagebatch/": [f"bot__id__exact={bot}"],
        "admin/bots/batchrecipient/": [f"mailing__id__exact={private.key_of('bots.MessageBatch')}", "q=ou_zulu", "q=zulu@example.com"],
        "admin/bots/person/": [f"bot__id__exact={bot}", "q=zulu", "q=ou_zulu", "q=on_zulu", "q=zulu_id", "q=zulu@example.com"],
        "admin/bots/replystream/": [f"bot__id__exact={bot}", "q=ou_zulu_target"],
        "admin/bots/connectionloss/": [f"bot__id__exact={bot}", "q=zulu"],
        "admin/auth_sessions/authsession/": [f"bot__id__exact={bot}", "q=ou_zulu"],
        "admin/auth_sessions/authsession/ask/": [f"bot={bot}&open_id=ou_zulu&scope=zulu:scope:read"],
        "admin/auth_sessions/campaign/": [f"bot__id__exact={bot}", "q=zulu"],
        "admin/auth_sessions/campaign/new/": [f"bot={bot}"],
        "admin/auth_sessions/campaignmember/": [
            f"mailing__id__exact={private.key_of('auth_sessions.Campaign')}", "q=ou_zulu", "q=zulu@example.com", "answer=waiting",
        ],
        "admin/auth_sessions/usertoken/": [f"bot__id__exact={bot}", "q=ou_zulu"],
        "admin/auth_sessions/tokenuse/": [f"bot__id__exact={bot}", "q=ou_zulu"],
        "admin/alerts/alertgroup/": [f"bot__id__exact={bot}", "q=zulu"],
        "admin/approvals/callapproval/": [f"bot__id__exact={bot}", "q=ou_zulu", "q=zulu-caller"],
        "admin/alerts/alertreceiver/": ["q=zulu", "q=oc_zulu"],
        "admin/access/auditentry/": [f"q={private.bot.app_id}", "q=zulu", f"bot={bot}"],
        "admin/access/auditentry/export/": ["q=zulu", f"bot={bot}", "action=bot.updated"],
        "oauth/callback/<slug:app_id>/": ["state=x&code=y", "error=access_denied"],
        "GET api/v1/subscriptions/<subscription_id>/events": ["cursor=0", "limit=1"],
        "GET api/v1/bots": ["limit=200", f"cursor={private.bot.app_id[:-1]}"],
        "GET api/feishu/ws/status": ["cursor=cli_"],
    }  # fmt: skip


# --- pages

_GROUP = re.compile(r"\(\?P<(\w+)>[^()]*\)")
"""A parameter of a regular expression; Django's own has the names of the apps in it, in no certain order."""


def addresses() -> Iterator[tuple[str, URLPattern]]:
    """Every URL pattern with its route, but those of the REST APIs, which have methods of their own."""
    admin.autodiscover()
    yield from _below(get_resolver(), "")


def _below(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        route = _GROUP.sub(r"<\1>", f"{prefix}{pattern.pattern}")
        if isinstance(pattern, URLResolver):
            yield from _below(pattern, route)
        elif not isinstance(getattr(pattern.callback, "__self__", None), PathView) and not _is_operation(
            pattern
        ):
            yield route, pattern


def _is_operation(pattern: URLPattern) -> bool:
    """Whether the pattern is one of ninja's operations; its description and pages are not."""
    return "PathView" in getattr(pattern.callback, "__qualname__", "")


def models() -> dict[str, str]:
    """The label of the model by the route under which its pages are."""
    admin.autodiscover()
    return {
        f"admin/{model._meta.app_label}/{model._meta.model_name}/": model._meta.label
        for model in admin.site._registry
    }


def page_attempts(private: Private) -> Iterator[Attempt]:
    for route, pattern in addresses():
        for address in _filled(route, pattern, private):
            # A list is posted to by its actions, which are tried for themselves.
            methods = ("GET",) if route in models() else ("GET", "POST")
            yield from _requests(route, methods, address, private)


def action_attempts(private: Private, strangers: Strangers) -> Iterator[Attempt]:
    """Every action on rows of a list, with the private row chosen."""
    request = RequestFactory().get("/")
    request.user = strangers.operator
    for model, page in admin.site._registry.items():
        route = f"admin/{model._meta.app_label}/{model._meta.model_name}/"
        for name in page.get_actions(request):
            row = private.rows[model._meta.label]
            for more in ({}, {"sure": "yes"}):
                body = {"action": name, ACTION_CHECKBOX_NAME: [str(row.pk)], "index": "0", **more}
                yield Attempt(route, "POST", f"/{route}", body)


def _requests(
    route: str, methods: tuple[str, ...], address: str, private: Private, *, is_api: bool = False
) -> Iterator[Attempt]:
    for method in methods:
        name = f"{method} {route}" if is_api else route
        if method == "GET":
            for query in ["", *queries(private).get(name, [])]:
                yield Attempt(name, method, f"{address}?{query}" if query else address)
            continue
        bodies = forms(private).get(name, [{}])
        for body in bodies:
            yield Attempt(
                name,
                method,
                address,
                body.get("json", body),
                is_json=is_api or "json" in body,
            )


def _filled(route: str, pattern: URLPattern, private: Private) -> Iterator[str]:
    """The addresses of a route that are the private bot's."""
    names = list(pattern.pattern.converters) or list(getattr(pattern.pattern.regex, "groupindex", ()))
    label = next((label for start, label in models().items() if route.startswith(start)), "")
    values = parameters(private)
    if label:
        if label not in private.rows:
            raise AssertionError(
                f"Make a row of {label} in tests/strangers/private.py: strangers try its pages."
            )
        values |= {"object_id": (private.key_of(label),), "id": (private.key_of(label),)}
    known_only = [name for name in names if name not in values]
    if known_only:
        raise AssertionError(
            f"Say in parameters() of tests/strangers/attempts.py which {', '.join(known_only)} of {route} is the private bot's."
        )
    choices = values[names[0]] if names else ("",)
    for choice in choices:
        address = route
        for name in names:
            value = choice if name == names[0] else values[name][0]
            address = _put(address, name, value)
        yield AS_WRITTEN.get(route) or f"/{address.replace('^', '').replace('$', '')}"


def _put(route: str, name: str, value: str) -> str:
    """``value`` in the place of a parameter, whatever its converter."""
    return re.sub(rf"<(?:\w+:)?{name}>", lambda _found: value, route)


# --- REST


def route_attempts(private: Private) -> Iterator[Attempt]:
    """Every operation of both APIs."""
    for prefix, one in NINJA.items():
        for path, view in _path_views(one):
            route = f"{prefix}{path}"
            for address in _api_addresses(route, private):
                for operation in view.operations:
                    for method in operation.methods:
                        yield from _requests(route, (method,), address, private, is_api=True)


def _path_views(one: Any) -> Iterator[tuple[str, PathView]]:
    for prefix, router in one._routers:
        for path, view in router.path_operations.items():
            written = f"{prefix}{path}".replace("//", "/").strip("/")
            yield written.replace("{", "<").replace("}", ">"), view


def _api_addresses(route: str, private: Private) -> Iterator[str]:
    values = parameters(private)
    names = [part.strip("<>") for part in route.split("/") if part.startswith("<")]
    if unknown := [name for name in names if name not in values]:
        raise AssertionError(
            f"Say in parameters() of tests/strangers/attempts.py which {', '.join(unknown)} of {route} is the private bot's."
        )
    for choice in range(max((len(values[name]) for name in names), default=1)):
        address = route
        for name in names:
            address = _put(address, name, values[name][min(choice, len(values[name]) - 1)])
        yield f"/{address}"


# --- sockets, and what stands before Django


def handshakes(private: Private) -> dict[str, list[dict[str, Any]]]:
    """What the page of a socket says first, with the private bot in it."""
    bot = private.key_of("bots.Bot")
    slot = private.key_of("bots.ConnectionSlot")
    return {
        EVENTS_SOCKET: [
            {"cursor": 0, "filters": {}},
            {"cursor": 0, "filters": {"bot__id__exact": bot}},
            {"cursor": None, "filters": {"event_type__exact": "zulu.secret.type_v1"}},
        ],
        "/live/bots/": [{"badges": {bot: ""}}, {"badges": {}, "checklists": {bot: ""}, "verdict": "x", "problems": "x"}],
        "/live/connections/": [{"rows": {}, "columns": "", "heads": ""}, {"rows": {bot: "", slot: ""}, "columns": "", "heads": ""}],
    }  # fmt: skip


def calls(private: Private) -> dict[str, list[Attempt]]:
    """Requests to the endpoints that stand before Django, by the prefix of each."""
    app_id = private.bot.app_id
    here = f"{PROXY}{app_id}"
    event = {
        "schema": "2.0",
        "header": {"event_id": "forged", "event_type": "zulu.secret.type_v1", "app_id": app_id},
        "event": {},
    }
    call = partial(Attempt, PROXY)
    agent = partial(Attempt, "/mcp tools", "POST")
    named = {"bot": app_id, "person": "ou_zulu"}
    tools: list[tuple[str, dict[str, Any]]] = [
        ("who_am_i", {}), ("list_bots", {}), ("get_bot", {"bot": app_id}), ("list_incidents", {"bot": app_id}),
        ("search_events", {"bot": app_id}), ("get_event", {"event": int(private.key_of("events.Event"))}),
        ("replay_event", {"event": int(private.key_of("events.Event")), "mode": "all"}), ("list_tasks", named),
        ("read_messages", {**named, "chat_id": "oc_zulu"}), ("call", {**named, "method": "GET", "path": "/open-apis/zulu/v1/things"}),
        ("call", {"bot": app_id, "method": "GET", "path": "/open-apis/zulu/v1/things"}),
    ]  # fmt: skip
    push = partial(Attempt, WEBHOOK, is_json=True)
    return {
        PROXY: [
            *(call(method, f"{here}/app/open-apis/zulu/v1/things") for method in ("GET", "POST", "DELETE")),
            *(call("GET", f"{here}/users/{person}/open-apis/zulu/v1/things") for person in ("ou_zulu", "zulu@example.com")),
            call("POST", f"{here}/app/open-apis/auth/v3/tenant_access_token/internal"),
        ],
        MCP: [
            agent(MCP, said("tools/list", {})),
            *(agent(MCP, said("tools/call", {"name": name, "arguments": arguments})) for name, arguments in tools),
            agent(f"{MCP}?bot={app_id}", said("tools/list", {})),
            Attempt(MCP, "GET", MCP),
        ],
        STREAM: [
            Attempt(STREAM, "POST", f"/api/v1/bots/{bot}/messages/stream?{to}", {"text": "x"})
            for bot in (app_id, private.key_of("bots.Bot")) for to in ("receive_id=ou_zulu", "reply_to=om_zulu", "")
        ],
        WEBHOOK: [
            push("POST", f"{WEBHOOK}{app_id}", event),
            push("POST", f"{WEBHOOK}{app_id}/", {"type": "url_verification", "challenge": "x", "token": "x"}),
            push("POST", f"{WEBHOOK}{app_id}", {"encrypt": json.dumps(event)}),
            push("GET", f"{WEBHOOK}{app_id}"),
        ],
    }  # fmt: skip


def said(method: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """A request of an agent."""
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}


def stranger_of(who: Who, strangers: Strangers) -> User | None:
    """The account that a browser is signed in with."""
    return {Who.GUEST: strangers.guest, Who.OPERATOR: strangers.operator}.get(who)


def key_of(who: Who, private: Private, strangers: Strangers) -> str:
    """The API key."""
    return {Who.CLIENT: strangers.client_key, Who.SCOPELESS: private.scopeless_key}.get(who, "")
