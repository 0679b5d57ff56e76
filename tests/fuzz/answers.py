"""Shots that are honest requests: what is odd is the answer of the platform or of a receiver, or the browser's cookies."""

from hypothesis import strategies as st

from tests import anything
from tests.fuzz.portal import (
    FORM_TYPE,
    JSON_TYPE,
    Portal,
    browser,
    extra_headers,
    odd,
    pieces,
    program,
    text,
)
from tests.fuzz.shots import Shot

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
        (
            "POST",
            f"/admin/bots/bot/{bots['answering_id']}/check-again/",
            (*browser(portal), FORM_TYPE),
            "",
        ),
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
