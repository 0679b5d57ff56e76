"""What could come instead of an event: a few bodies nobody can read, JSON as no library would write it, envelopes with
anything at any place, and damaged bytes. ``FUZZ_EXAMPLES`` in the environment says how many are tried."""

import json
import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

FUZZ = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "20")),
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)

UNREADABLE = ("", "not json", "[1]", "{}", '{"schema":"2.0","header":{}}', "\x00")
"""Bodies that are no event; whatever way they come, they are kept as they are."""

ODD = (
    "null", "true", "0", "-1", "1.5", "1e400", "-1e-400", "NaN", "Infinity", "9007199254740993", "9" * 400, "9" * 5000,
    '""', '"0"', '"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"\\udc00\\ud800"', '"\\ud83d\\ude00"', '"\\u202e"',
    '"1700000000000"', '"253402300799"', '"99999999999999999999"', '"-1"', '"1e9"', '"' + "飞" * 300 + '"', "[]", "{}",
    "[" * 200 + "]" * 200, "[" * 3000 + "]" * 3000, '{"a":' * 1500 + "1" + "}" * 1500,
)  # fmt: skip
ALL_KEYS = (
    "schema", "header", "event", "event_id", "event_type", "token", "uuid", "type", "action", "value", "once", "name",
    "create_time", "ts", "open_message_id", "message", "message_id", "chat_id", "content", "tenant_key", "app_id",
    "operator", "open_id", "context", "object", "encrypt", "challenge", "",
)  # fmt: skip
TYPES = (
    "im.message.receive_v1", "im.chat.member.user.added_v1", "contact.user.updated_v3", "card.action.trigger",
    "url.preview.get", "card.action.trigger_v1", "user_add", "x.unheard_of_v1", "",
)  # fmt: skip

scalars = st.sampled_from(ODD) | st.text(max_size=12).map(json.dumps) | st.integers().map(str)


def objects(members: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[str]:
    """Objects as text; a key may come twice."""
    return st.lists(members, max_size=8).map(
        lambda pairs: "{" + ",".join(f"{json.dumps(key)}:{value}" for key, value in pairs) + "}"
    )


def _within(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    keys = st.sampled_from(ALL_KEYS) | st.text(max_size=6)
    lists = st.lists(inner, max_size=4).map(lambda values: f"[{','.join(values)}]")
    return lists | objects(st.tuples(keys, inner))


values = st.recursive(scalars, _within, max_leaves=8)
"""Any JSON, as text."""


def _one_of(*usual: str) -> st.SearchStrategy[str]:
    return st.sampled_from([json.dumps(one) for one in usual]) | values


ids = st.text("abc0123", min_size=1, max_size=8).map(json.dumps) | values
headers = objects(
    st.one_of(
        st.tuples(st.just("event_type"), _one_of(*TYPES)),
        st.tuples(st.just("event_id"), ids),
        st.tuples(
            st.sampled_from(["create_time", "event_create_time"]), _one_of("1700000000123", "1700000000")
        ),
        st.tuples(st.sampled_from(["token", "app_id", "tenant_key"]), ids),
    )
)
clicks = objects(
    st.one_of(
        st.tuples(
            st.just("action"),
            objects(
                st.one_of(
                    st.tuples(
                        st.just("value"),
                        objects(st.tuples(st.sampled_from(["action", "once"]), st.just("true") | values))
                        | values,
                    ),
                    st.tuples(st.sampled_from(["name", "tag"]), values),
                )
            ),
        ),
        st.tuples(st.just("context"), objects(st.tuples(st.just("open_message_id"), ids)) | values),
        st.tuples(st.sampled_from(["token", "operator"]), values),
    )
)
messages = objects(
    st.tuples(
        st.just("message"), objects(st.tuples(st.sampled_from(["message_id", "chat_id", "content"]), ids))
    )
)
bodies = values | clicks | messages
texts = st.one_of(
    values,
    st.builds('{{"schema":"2.0","header":{},"event":{}}}'.format, headers, bodies),
    st.builds(
        '{{"schema":"2.0","header":{{"event_type":{},"event_id":{}}},"event":{}}}'.format,
        _one_of(*TYPES),
        ids,
        bodies,
    ),
    st.builds('{{"uuid":{},"ts":{},"type":"event_callback","event":{}}}'.format, ids, values, bodies),
    st.builds('{{"uuid":{},"event":{{"type":{}}},"token":{}}}'.format, ids, _one_of(*TYPES), values),
    st.builds('{{"open_message_id":{},"token":{},"action":{}}}'.format, ids, ids, clicks),
)


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Bytes of which some were lost, changed or added."""
    data = bytearray(draw(whole))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(data)))
        data[place : place + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    return bytes(data)


encoded = texts.map(lambda text: text.encode("utf-8", "surrogatepass"))
payloads = encoded | damaged(encoded) | st.binary(max_size=100)
"""What may stand in a frame, or in the decrypted body of a webhook."""
