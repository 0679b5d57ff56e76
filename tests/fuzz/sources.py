"""Where shots come from: the OpenAPI document, the pages and forms of the console, its sockets, webhooks, frames, the proxy; what
anybody reaches without a key or a session is in ``strangers``."""

import html.parser
import json
import string
from typing import Any
from urllib.parse import quote

import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

from feishu.encryption import encrypt
from tests import anything
from tests.feishu.long_connection.test_anything import encoded as encoded_frames
from tests.fuzz.answers import answers, cookies
from tests.fuzz.portal import (
    FORM_TYPE,
    HEADERS,
    JSON_TYPE,
    QUERY,
    WEBHOOK_KEY,
    WEBHOOK_TOKEN,
    Portal,
    browser,
    extra_headers,
    in_query,
    odd,
    pieces,
    program,
    text,
)
from tests.fuzz.shots import Shot
from tests.fuzz.strangers import agents, metrics, sign_ins


def sources(portal: Portal) -> dict[str, st.SearchStrategy[Shot]]:
    return {
        "rest": rest(portal),
        "cursors": cursors(portal),
        "pages": pages(portal),
        "forms": forms(portal),
        "sockets": sockets(),
        "webhooks": webhooks(portal),
        "frames": frames(),
        "proxy": proxy(portal),
        "answers": answers(portal),
        "cookies": cookies(portal),
        "agents": agents(portal),
        "sign_ins": sign_ins(portal),
        "metrics": metrics(portal),
    }


# --- the API


def rest(portal: Portal) -> st.SearchStrategy[Shot]:
    """What the OpenAPI document allows, and what it does not."""
    schema = schemathesis.openapi.from_dict(portal.document)
    operations = [found.ok() for found in schema.get_all_operations()]
    known = portal.rows["parameters"]
    strategies = [
        operation.as_strategy(generation_mode=mode)
        for operation in operations
        for mode in (GenerationMode.POSITIVE, GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        if "/proxy/" not in operation.path
    ]

    @st.composite
    def shot(draw: st.DrawFn) -> Shot:
        case = draw(st.one_of(strategies))
        for name in case.path_parameters or {}:
            if name in known and draw(st.integers(0, 4)):
                case.path_parameters[name] = draw(st.sampled_from(known[name]))
        if isinstance(case.query, dict) and "wait" in case.query:
            case.query["wait"] = 0  # it would be waited for
        prepared = requests.Request(**_sendable(case.as_transport_kwargs(base_url=portal.url))).prepare()
        headers = [
            (name, value)
            for name, value in prepared.headers.items()
            if name == "Content-Type" and value.isascii()
        ]
        body = prepared.body or b""
        body = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
        return Shot(
            "rest", method=prepared.method or "GET", target=prepared.path_url,
            headers=(*program(portal), *headers, *draw(extra_headers)), parts=(text(body),),
        )  # fmt: skip

    return shot()


def _sendable(arguments: dict[str, Any]) -> dict[str, Any]:
    taken = {"method", "url", "params", "data", "json", "files"}
    kept = {name: value for name, value in arguments.items() if name in taken}
    content = next(
        (value for name, value in (arguments.get("headers") or {}).items() if name.lower() == "content-type"),
        "",
    )
    return kept | {"headers": {"Content-Type": str(content)} if content else {}}


def cursors(portal: Portal) -> st.SearchStrategy[Shot]:
    bot, subscription = (
        portal.rows["parameters"]["bot_id"][0],
        portal.rows["parameters"]["subscription_id"][0],
    )
    lists = (
        "/api/v1/bots", f"/api/v1/bots/{bot}/users", f"/api/v1/bots/{bot}/events", "/api/feishu/ws/status",
        f"/api/v1/subscriptions/{subscription}/events",
    )  # fmt: skip
    names = st.sampled_from(
        ["cursor", "cursor", "limit", "since", "until", "type", "status", "q", "person", "ids"]
    )
    return st.builds(
        lambda target, query, headers: Shot(
            "cursors", target=f"{target}?{query}", headers=(*program(portal), *headers)
        ),
        st.sampled_from(lists),
        st.lists(st.tuples(names, odd), min_size=1, max_size=3).map(in_query),
        extra_headers,
    )


# --- the console

KEPT = ("logout", "password", "setlang")
"""Addresses that would end the operator's own session."""


def _addresses(portal: Portal, method: str) -> list[str]:
    return [
        address for kind, address in portal.rows["pages"]
        if kind == method and not any(word in address for word in KEPT)
    ]  # fmt: skip


def pages(portal: Portal) -> st.SearchStrategy[Shot]:
    """Filters, searches and keys in the addresses of pages."""
    found = st.sampled_from(_addresses(portal, "GET"))
    changed = st.builds(
        lambda address, value: "/".join(
            quote(value, safe="", errors="surrogatepass")[:3000] if len(part) > 20 or part.isdigit() else part
            for part in address.split("/")
        ),
        found, odd,
    )  # fmt: skip
    queries = st.lists(st.tuples(st.sampled_from(QUERY) | odd, odd), max_size=3).map(in_query)
    return st.builds(
        lambda address, query, headers: Shot(
            "pages", target=f"{address.partition('?')[0]}?{query}", headers=(*browser(portal), *headers)
        ),
        found | changed, queries, extra_headers,
    )  # fmt: skip


class Fields(html.parser.HTMLParser):
    """Names and values of the fields of a page's forms."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._choice = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        name = values.get("name") or ""
        if tag in {"input", "textarea", "select", "button"} and name and name != "csrfmiddlewaretoken":
            is_off = values.get("type") in {"checkbox", "radio"} and "checked" not in values
            if not is_off:
                self.found.setdefault(name, values.get("value") or "")
            self._choice = name if tag == "select" else ""
        elif tag == "option" and self._choice and ("selected" in values or not self.found.get(self._choice)):
            self.found[self._choice] = values.get("value") or ""


def forms(portal: Portal) -> st.SearchStrategy[Shot]:
    """The forms of the console as they are, with some fields changed, given twice or left out."""
    known: dict[str, dict[str, str]] = {}

    def fields_of(address: str) -> dict[str, str]:
        if address not in known:
            known[address] = Fields(portal.fetch(address)).found
        return known[address]

    lists = [
        address
        for address in _addresses(portal, "GET")
        if address.startswith("/admin/") and address.count("/") == 4 and "?" not in address
    ]
    # Deleting takes away what the other shots are about, and a session of the operator's is not to be asked for passwords.
    posted = [
        address
        for address in _addresses(portal, "POST")
        if "/delete/" not in address and "login" not in address
    ]

    @st.composite
    def shot(draw: st.DrawFn) -> Shot:
        address = draw(st.sampled_from(posted) | st.sampled_from(lists))
        fields = dict(fields_of(address))
        names = st.sampled_from(sorted(fields) or ["action"]) | st.sampled_from(
            ["action", "_selected_action", "index", "select_across", "sure", "_save", "_popup"]
        )
        changes = draw(st.lists(st.tuples(names, odd), min_size=1, max_size=3))
        for name, _value in changes[:1]:
            fields.pop(name, None)
        form = [*fields.items(), *changes]
        if draw(st.integers(0, 5)) == 0:
            body = draw(anything.payloads)
            return Shot(
                "forms",
                method="POST",
                target=address,
                headers=(*browser(portal), JSON_TYPE),
                parts=(text(body),),
            )
        return Shot(
            "forms", method="POST", target=address, headers=(*browser(portal), FORM_TYPE, *draw(extra_headers)),
            parts=(in_query(form),),
        )  # fmt: skip

    return shot()


def sockets() -> st.SearchStrategy[Shot]:
    """What a page could say first, and after that."""
    filters = anything.objects(
        st.tuples(
            st.sampled_from(["bot__id__exact", "event_type__exact", "status__exact", ""]), anything.values
        )
    )
    members = st.one_of(
        st.tuples(st.just("cursor"), anything.values),
        st.tuples(st.just("filters"), filters | anything.values),
        st.tuples(st.sampled_from(["badges", "rows"]), filters | anything.values),
        st.tuples(st.sampled_from(["columns", "heads"]), anything.values),
    )
    said = anything.objects(members).map(pieces) | anything.payloads
    return st.builds(
        lambda path, parts, is_text: Shot(
            "sockets", "socket", target=path, parts=tuple(text(part) for part in parts), is_text=is_text
        ),
        st.sampled_from(["/live/events/", "/live/bots/", "/live/connections/", "/live/none/"]),
        st.lists(said, min_size=1, max_size=3),
        st.sampled_from([True, True, True, False]),
    )


# --- the platform


def webhooks(portal: Portal) -> st.SearchStrategy[Shot]:
    """Plain and encrypted, signed and not, whole and damaged."""
    bots = portal.rows["bots"]
    targets = st.sampled_from(
        [*[bots["encrypted"]] * 4, bots["plain"], bots["plain"], bots["private"], "cli_none"]
    ).map("/api/feishu/webhook/{}".format)
    token = json.dumps(WEBHOOK_TOKEN)
    tokened = st.builds(
        '{{"schema":"2.0","header":{{"token":{},"event_type":{},"event_id":{},"create_time":{}}},"event":{}}}'.format,
        st.just(token), anything.ids, anything.ids, anything.values, anything.bodies,
    ) | st.builds('{{"type":{},"token":{},"challenge":{}}}'.format, anything.ids, st.just(token), anything.values)  # fmt: skip
    plain = tokened.map(pieces) | anything.payloads

    def sealed(body: bytes) -> bytes:
        return json.dumps({"encrypt": encrypt(WEBHOOK_KEY, body, bytes(16))}).encode()

    wire = st.one_of(
        plain.map(sealed), plain, anything.damaged(plain.map(sealed)),
        st.builds('{{"encrypt":{}}}'.format, anything.values).map(pieces), st.binary(max_size=80),
    )  # fmt: skip
    headers = st.lists(
        st.sampled_from(
            [
                *HEADERS, ("X-Lark-Signature", "x"), ("X-Lark-Signature", "\xff" * 64), ("X-Lark-Request-Timestamp", "9" * 40),
                ("X-Lark-Request-Timestamp", "²"), ("X-Lark-Request-Nonce", "\xe9"), ("Content-Type", "text/xml"),
            ]
        ),
        max_size=2,
    ).map(tuple)  # fmt: skip
    return st.builds(
        lambda method, target, body, key, more: Shot(
            "webhooks", method=method, target=target, parts=(text(body),), signed_with=key, headers=(JSON_TYPE, *more)
        ),
        st.sampled_from(["POST"] * 12 + ["PUT", "GET"]), targets, wire,
        st.sampled_from([WEBHOOK_KEY] * 4 + ["", "another"]), headers | st.just(()),
    )  # fmt: skip


def frames() -> st.SearchStrategy[Shot]:
    whole = encoded_frames | anything.damaged(encoded_frames) | st.binary(max_size=60)
    return st.builds(
        lambda parts, is_text: Shot(
            "frames", "frames", parts=tuple(text(part) for part in parts), is_text=is_text
        ),
        st.lists(whole, min_size=1, max_size=12),
        st.sampled_from([False] * 9 + [True]),
    )


def proxy(portal: Portal) -> st.SearchStrategy[Shot]:
    bots = portal.rows["bots"]
    owner = st.sampled_from(["app", "users/ou_zulu", "users/zulu@example.com", "users/%00", "users/ou_none"])
    segment = odd.map(lambda value: quote(value, safe="", errors="surrogatepass")[:2000]) | st.text(
        string.printable, max_size=12
    )
    known = st.sampled_from(
        [
            "im/v1/messages", "im/v1/chats", "contact/v3/users/ou_zulu", "auth/v3/tenant_access_token/internal",
            "authen/v1/user_info", "im/v1/images", "im/v1/messages/om_zulu", "bot/v3/info",
        ]
    )  # fmt: skip
    path = known | st.lists(segment, max_size=3).map("/".join)
    queries = st.lists(st.tuples(st.sampled_from(QUERY) | odd, odd), max_size=2).map(in_query) | st.text(
        string.printable, max_size=20
    )
    body = anything.payloads | st.just(b"") | st.binary(min_size=60_000, max_size=70_000)
    kinds = st.sampled_from(
        [
            JSON_TYPE,
            FORM_TYPE,
            ("Content-Type", "multipart/form-data; boundary=x"),
            ("Content-Type", "\xff"),
            ("Content-Type", ""),
        ]
    )
    return st.builds(
        lambda method, app_id, who, where, query, content, kind, headers: Shot(
            "proxy", method=method, target=text(pieces(f"/proxy/{app_id}/{who}/open-apis/{where}{'?' if query else ''}{query}")),
            headers=(*program(portal), kind, *headers), parts=(text(content),),
        ),
        st.sampled_from(["GET", "POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"]),
        st.sampled_from([*[bots["speaking"]] * 3, bots["private"], "cli_none", "x"]), owner, path, queries, body, kinds, extra_headers,
    )  # fmt: skip
