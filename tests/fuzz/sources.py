"""Where shots come from: the OpenAPI document, the pages and forms of the console, its sockets, webhooks, frames, the proxy."""

import html.parser
import json
import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_from_bytes

import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

from feishu.encryption import encrypt
from tests import anything
from tests.feishu.long_connection.test_anything import encoded as encoded_frames
from tests.fuzz.shots import Shot

WEBHOOK_KEY, WEBHOOK_TOKEN = "the-encrypt-key-of-the-fuzz", "the-verification-token-of-the-fuzz"
"""Of rows.py."""
ODD = (
    "", " ", "0", "1", "-1", "x", "\x00", "a\x00b", "\x7f", "\r\n", "\u2028", "\u202e", "飞书", "😀" * 40, "%", "%00", "'",
    '"', "`", "\\", "<b>", "{{7*7}}", "${x}", "[]", "{}", "null", "NaN", "Infinity", "1e400", "-1e26", "9" * 30,
    "9" * 5000, "9223372036854775807", "9223372036854775808", "-9223372036854775809", "0001-01-01T00:00", "9999-12-31T23:59",
    "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-02-30", "00000000-0000-0000-0000-000000000000", "a" * 300,
    "x" * 20_000, "../" * 20, "//", "http://[", "https://user:pw@host/", "javascript:alert(1)", "cli_", "ou_", "²", "٣",
    "\udc80", "WyJcdWQ4MDAiLCAieCJd", "e30=", "W10=", "W251bGxd", "=", "bot__owners__password", "__", "id__in",
)  # fmt: skip
odd = st.sampled_from(ODD) | st.text(max_size=20) | st.integers().map(str)
QUERY = (
    "q", "p", "o", "all", "_popup", "_to_field", "_changelist_filters", "e", "before", "after", "cursor", "limit", "from",
    "until", "since", "wait", "state", "code", "error", "lang", "next", "s", "page", "term", "app_label", "model_name",
    "field_name", "bot__id__exact", "status__exact", "event_type__exact", "state__exact", "arrived_by__exact", "pk", "show",
    "handler", "failure", "kind__exact", "enabled__exact", "platform__exact", "action", "at__gte", "bot", "open_id", "scope",
    "person", "status", "type", "tenant_key", "ids",
)  # fmt: skip
HEADERS = (
    ("X-Request-Id", "\xfc"), ("X-Request-Id", "x" * 5000), ("Accept-Language", "zh-Hans-" + "x-" * 200), ("Cookie", "\x01=\xff; ;="),
    ("Accept", "\xe9"), ("X-Forwarded-For", "::" * 50), ("X-Forwarded-Proto", "ftp"), ("Range", "bytes=9-1"), ("Expect", "x"),
    ("If-None-Match", '"' * 9), ("If-Modified-Since", "Mon, 99 Foo 9999 99:99:99 GMT"), ("Idempotency-Key", "\xff"),
    ("Idempotency-Key", "k"), ("Content-Encoding", "gzip"), ("Last-Event-ID", "9" * 40), ("Last-Event-ID", "x"),
    ("Referer", "http://["), ("Origin", "null"), ("User-Agent", ""), ("Forwarded", "for=\x80"), ("Authorization", "Bearer \xff"),
    ("Authorization", "Bearer fp_00000000_x"), ("Authorization", "Basic e"), ("Sec-Fetch-Mode", "\xa0"),
)  # fmt: skip
extra_headers = st.lists(st.sampled_from(HEADERS), max_size=2).map(tuple) | st.just(())
JSON_TYPE = ("Content-Type", "application/json")
FORM_TYPE = ("Content-Type", "application/x-www-form-urlencoded")
CSRF = "f" * 32


@dataclass(frozen=True)
class Portal:
    """What sources have to know of the portal: `rows` are those of rows.py."""

    url: str
    rows: dict[str, Any]
    document: dict[str, Any]
    fetch: Callable[[str], str]
    """The page of an address, as the operator sees it."""


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
    }


def text(value: bytes) -> str:
    return value.decode("latin-1")


def pieces(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")


def in_query(values: Iterable[tuple[str, str]]) -> str:
    return "&".join(
        f"{quote_from_bytes(pieces(name))}={quote_from_bytes(pieces(value))}" for name, value in values
    )


def browser(portal: Portal) -> tuple[tuple[str, str], ...]:
    """The operator's headers, a form's token among them."""
    cookie = f"{portal.rows['cookie']}; {portal.rows['csrf_cookie']}={CSRF}"
    return ("Cookie", cookie), ("X-CSRFToken", CSRF)


def program(portal: Portal) -> tuple[tuple[str, str], ...]:
    return (("Authorization", f"Bearer {portal.rows['key']}"),)


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


# --- what comes back

STATUSES = ("200", "200", "200", "201", "204", "206", "301", "302", "304", "307", "400", "401", "403", "404", "407", "429", "500", "502",
            "503", "100", "103", "199", "299", "418", "599", "600", "999", "000", "2000", "-1", "x", "")  # fmt: skip
ANSWER_HEADERS = (
    "Content-Type: application/json", "Content-Type: application/json; charset=utf-16", "Content-Type: application/json; charset=none",
    "Content-Type: text/html; charset=\xff", "Content-Type: ", "Content-Type: application/octet-stream", "Content-Length: 0",
    "Content-Length: 5", "Content-Length: 99999999999999999999", "Content-Length: -1", "Content-Length: x", "Content-Length: 3, 3",
    "Transfer-Encoding: chunked", "Transfer-Encoding: gzip", "Content-Encoding: gzip", "Content-Encoding: br", "Content-Encoding: deflate",
    "Content-Encoding: zstd", "Content-Encoding: x", "Retry-After: 1", "Retry-After: -1", "Retry-After: 1e400", "Retry-After: \xb2",
    "Retry-After: " + "9" * 400, "Retry-After: Mon, 01 Jan 2024 00:00:00 +9999999999999999", "Retry-After: Mon, 01 Jan 0001 00:00:00 GMT",
    "Retry-After: Fri, 31 Dec 9999 23:59:59 -2359", "x-ogw-ratelimit-reset: " + "9" * 30, "x-ogw-ratelimit-reset: NaN",
    "x-ogw-ratelimit-reset: -5", "X-Tt-Logid: \xff\x01", "X-Tt-Logid: " + "x" * 5000, "Location: /elsewhere", "Location: http://[",
    "Location: //", "Location: \xff", "Location: " + "x" * 9000, "Date: Mon, 99 Foo 0000 99:99:99 GMT", "Date: Mon, 01 Jan 0001 00:00:00 +2359",
    "Date: Fri, 31 Dec 9999 23:59:59 -2359", "Date: " + "9" * 400, "Date: Mon, 01 Jan 2024 00:00:00 +9999999999999999", "Set-Cookie: \x01=;;;",
    "Connection: keep-alive", "Connection: upgrade", "Upgrade: websocket", "X: \x00", "X: a\rb", ": x", "X", " folded", "X-Request-Id: \xfc",
    "Trailer: x", "Content-Disposition: attachment; filename*=utf-8''%ff", "Warning: \x7f", "Server: \u00e9",
)  # fmt: skip
ANSWER_BODIES = (
    b"", b"{}", b"[]", b"null", b"x", b"\xff\xfe", b'{"code":0}', b'{"code":0,"data":null}', b'{"code":0,"data":[]}', b'{"code":"0"}',
    b'{"code":1e400}', b'{"code":-9223372036854775809}', b'{"code":99999999999999999999,"msg":"a\\u0000b"}', b'{"code":[],"msg":{}}',
    b'{"code":99991663,"msg":"\\ud800"}', b'{"code":99991672,"msg":"x","error":{"permission_violations":[{"subject":"a\\r\\nb"}]}}',
    b'{"code":99991679,"msg":"","error":{"permission_violations":null,"log_id":7}}', b'{"code":230020,"error":[]}',
    b'{"code":0,"tenant_access_token":"","expire":0}', b'{"code":0,"tenant_access_token":7,"expire":"x"}',
    b'{"code":0,"tenant_access_token":"t-\\u0000\\r\\n","expire":1e400}', b'{"code":0,"tenant_access_token":"t-x","expire":-1}',
    b'{"code":0,"data":{"message_id":7,"chat_id":null}}', b'{"code":0,"data":{"message_id":"a\\u0000"}}', b'{"code":0,"bot":[],"data":{"app":7}}',
    b'{"code":NaN}', b"[" * 3000, b"\x1f\x8b\x08\x00garbage", b"3\r\n{}\n\r\n0\r\n\r\n", b"zz\r\n", b"ffffffffffffffff\r\nx", b"0\r\n\r\n",
)  # fmt: skip


def _response(version: str, status: str, headers: list[str], body: bytes, has_length: bool) -> bytes:  # noqa: FBT001 -- drawn
    length = [f"Content-Length: {len(body)}"] if has_length else []
    head = "\r\n".join((f"{version} {status} Reason", *headers, *length, "", ""))
    return head.encode("latin-1", "replace") + body


def answers(portal: Portal) -> st.SearchStrategy[Shot]:
    """Honest requests while the platform, or the receiver of a subscription, answers as no server should."""
    bots = portal.rows["bots"]
    app_id, here = bots["answering"], f"/proxy/{bots['answering']}"
    by_key = (*program(portal), JSON_TYPE)
    asked: list[tuple[str, str, tuple[tuple[str, str], ...], str]] = [
        ("GET", f"{here}/app/open-apis/im/v1/chats", by_key, ""),
        ("POST", f"{here}/app/open-apis/im/v1/messages", by_key, "{}"),
        ("HEAD", f"{here}/app/open-apis/im/v1/files/x", by_key, ""),
        ("GET", f"{here}/users/ou_answering/open-apis/task/v2/tasks", by_key, ""),
        ("POST", f"/api/v1/bots/{app_id}/messages", by_key, '{"receive_id":"ou_x","text":"x"}'),
        ("PATCH", f"/api/v1/bots/{app_id}/messages/om_x", by_key, '{"content":{"elements":[]}}'),
        ("GET", f"/admin/bots/bot/{bots['answering_id']}/test-credentials/", browser(portal), ""),
        (
            "POST",
            f"/admin/events/subscription/{bots['receiving_id']}/test/",
            (*browser(portal), FORM_TYPE),
            "",
        ),
    ]
    bodies = st.sampled_from(ANSWER_BODIES) | anything.payloads
    said = st.builds(
        _response,
        st.sampled_from(["HTTP/1.1"] * 9 + ["HTTP/1.0", "HTTP/9", ""]), st.sampled_from(STATUSES),
        st.lists(st.sampled_from(ANSWER_HEADERS), max_size=4), bodies, st.booleans(),
    )  # fmt: skip
    return st.builds(
        lambda request, upstream, is_for_tokens: Shot(
            "answers", method=request[0], target=request[1], headers=request[2], parts=(request[3],), upstream=text(upstream),
            is_for_tokens=is_for_tokens,
        ),
        st.sampled_from(asked), said | st.binary(max_size=40), st.sampled_from([False, False, True]),
    )  # fmt: skip


def cookies(portal: Portal) -> st.SearchStrategy[Shot]:
    """Visitors with cookies of their own making."""
    own = portal.rows["cookie"].partition("=")[0]
    names = st.sampled_from(
        [
            own,
            portal.rows["csrf_cookie"],
            "feishu_portal_auth",
            "feishu_portal_mine",
            "feishu_portal_device",
            "messages",
            "django_language",
        ]
    )
    values = odd.map(lambda value: text(pieces(value)).replace("\r", "").replace("\n", ""))
    visited = st.sampled_from(
        [
            "/", "/admin/", "/admin/login/?next=//evil", "/oauth/my/", "/oauth/start/xxxxxxxxxxxxxxxxxxxxxxxx/", "/api/v1/bots",
            f"/oauth/callback/{portal.rows['bots']['id']}/?state=x&code=y", "/api/feishu/ws/status", "/admin/jsi18n/", "/no/such",
        ]
    )  # fmt: skip
    return st.builds(
        lambda method, target, jar, headers: Shot(
            "cookies", method=method, target=target,
            headers=(("Cookie", "; ".join(f"{name}={value}" for name, value in jar)), *headers),
        ),
        st.sampled_from(["GET", "GET", "POST", "HEAD", "OPTIONS"]), visited, st.lists(st.tuples(names, values), max_size=3), extra_headers,
    )  # fmt: skip
