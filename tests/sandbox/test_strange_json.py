"""Bodies that no SDK sends: whatever comes, the answer is one of the platform's."""

import json
import re
from http import HTTPStatus

import pytest
from starlette.routing import Route

from sandbox.platform.routes import KNOWN
from sandbox.strange_json import MAX_DEPTH, parse_json
from tests.sandbox.conftest import Platform

DEEP = "[" * 3000 + "]" * 3000
NESTED = '{"a":' * 400 + "1" + "}" * 400
VALUES = (None, True, -1, 2**70, 1.5, "", "\0", "x", "{}", "[]", DEEP, NESTED, [], [None], {}, {"a": [1]})
NAMES = [
    "receive_id",
    "msg_type",
    "content",
    "uuid",
    "card",
    "token",
    "type",
    "data",
    "settings",
    "sequence",
    "id_list",
    "user_id_list",
    "bot_id_list",
    "name",
    "emails",
    "mobiles",
    "sql",
    "records",
    "record",
    "grant_type",
    "client_id",
    "code",
    "refresh_token",
    "scope",
    "device_code",
    "action",
    "AppID",
    "AppSecret",
    "ClientAssertion",
    "app_id",
    "app_secret",
    "reaction_type",
    "timestamp",
    "sign",
    "client_assertion",
]
BODIES = [
    b"",
    b"\xff",
    b"{",
    b"null",
    b"[1]",
    b'{"a": 1e999}',
    DEEP.encode(),
    NESTED.encode(),
    *(json.dumps(dict.fromkeys(NAMES, value)).encode() for value in VALUES),
]


@pytest.mark.parametrize("text", [DEEP, NESTED, "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "{", ""])
def test_what_is_nested_too_deeply_is_no_json(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)


def test_what_is_nested_as_far_as_it_may_is_read() -> None:
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert json.dumps(parse_json(text)) == text


@pytest.mark.parametrize("route", KNOWN, ids=lambda route: f"{min(route.methods)} {route.path}")
async def test_route_has_an_answer_to_any_body(platform: Platform, route: Route) -> None:
    path = re.sub(r"{\w+}", "x", route.path)
    token = await platform.tenant_token()
    for body in BODIES:
        for content_type in (
            "application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
        ):
            headers = {"Authorization": f"Bearer {token}", "Content-Type": content_type}
            method = min((route.methods or set()) - {"HEAD"})
            answer = await platform.http.request(method, path, content=body, headers=headers)
            assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, (body[:80], answer.text)
