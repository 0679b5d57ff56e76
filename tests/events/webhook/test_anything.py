import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.events.webhook.pushes import encoded, path, request

pytestmark = pytest.mark.django_db(transaction=True)

FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(payload=st.binary() | st.recursive(
    st.none() | st.text() | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["schema", "header", "event", "event_type", "event_id", "token", "uuid", "type", "action",
                         "create_time", "ts", "open_message_id", "message", "message_id", "tenant_key", "app_id"]),
        inner,
    ),
).map(encoded))  # fmt: skip
async def test_whatever_the_platform_sends_is_acked(http, bot, payload):
    assert (await http.post(path(bot), **request(payload))).status_code in {200, 401}


@FUZZ
@given(
    method=st.sampled_from(["POST"] * 4 + ["GET", "HEAD", "TRACE", "Ä"]),
    app_id=st.none() | st.text(st.characters(codec="utf-8", exclude_characters="?#"), max_size=80),
    headers=st.lists(
        st.tuples(
            st.sampled_from(
                [b"content-length", b"content-type", b"x-lark-signature", b"x-lark-request-nonce", b"\xff"]
            ),
            st.binary(max_size=80),
        )
    ),
    body=st.lists(st.binary(max_size=2000), max_size=4),
)
async def test_whatever_a_stranger_sends_is_refused(endpoint, bot, method, app_id, headers, body):
    pieces, sent = iter(body), []

    async def receive():
        piece = next(pieces, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def send(message):
        sent.append(message)

    address = path(bot) if app_id is None else f"/api/feishu/webhook/{app_id}"
    await endpoint({"type": "http", "method": method, "path": address, "headers": headers}, receive, send)
    assert sent[0]["status"] in {401, 404, 405, 413}
