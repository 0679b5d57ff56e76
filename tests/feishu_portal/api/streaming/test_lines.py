"""Text out of bodies in pieces: wherever one is cut, what is whole counts and nothing else does."""

import json

import pytest

from feishu_portal.api.streaming.lines import MAX_LINE, LineError, TextLines

TEXTS = ["你好，", "**world** 👍🏽\n", '"quoted" \\ ', "end"]
NDJSON = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in TEXTS).encode()
EVENTS = "".join(f"event: x\ndata: {json.dumps({'text': text})}\n\n" for text in TEXTS).encode()


def read(body: bytes, *, events: bool, step: int = 1_000, is_cut: bool = False) -> list[str]:
    lines = TextLines(events=events)
    texts = [text for at in range(0, len(body), step) for text in lines.feed(body[at : at + step])]
    return texts if is_cut else [*texts, *lines.end()]


@pytest.mark.parametrize("step", [1, 3, 1_000])
@pytest.mark.parametrize(("body", "events"), [(NDJSON, False), (EVENTS, True)])
def test_pieces_of_any_size_make_the_same_text(body, events, step):
    assert read(body, events=events, step=step) == TEXTS
    assert read(body.replace(b"\n", b"\r\n"), events=events, step=step) == TEXTS


@pytest.mark.parametrize(("body", "events"), [(NDJSON, False), (EVENTS, True)])
def test_cut_at_any_byte_leaves_whole_texts(body, events):
    for at in range(len(body) + 1):
        found = read(body[:at], events=events, is_cut=True)
        assert found == TEXTS[: len(found)]
        ends = body[:at].count(b"\n\n" if events else b"\n")
        assert len(found) == ends


def test_last_line_needs_no_end_where_the_body_ends_well():
    assert read(b'{"text": "a"}\n{"text": "b"}', events=False) == ["a", "b"]
    assert read(b'data: {"text": "a"}', events=True) == ["a"]


def test_chunks_of_a_language_model_are_taken_as_they_are():
    chunks = [
        {"choices": [{"delta": {"role": "assistant"}}]},
        {"choices": [{"delta": {"content": "Hel"}}]},
        {"choices": [{"delta": {"content": "lo"}}]},
        {"choices": [{"delta": {"content": None}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"total_tokens": 3}},
    ]
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\ndata: no more\n\n"
    assert read(body.encode(), events=True) == ["Hel", "lo"]


@pytest.mark.parametrize(("body", "events"), [(NDJSON, False), (EVENTS.removeprefix(b"event: x\n"), True)])
def test_mark_of_the_byte_order_is_no_text(body, events):
    for step in (1, 2, 1_000):
        assert read(b"\xef\xbb\xbf" + body, events=events, step=step) == TEXTS


def test_comments_and_names_of_events_say_nothing():
    assert read(b': alive\nid: 7\nevent: x\ndata: {"text":\ndata: "a"}\n\n\n', events=True) == ["a"]


@pytest.mark.parametrize(
    "line", [b"no json", b"[]", b"{}", b'{"text": 1}', b'{"choices": 1}', b"\xff", b'{"text": "\\ud800"}']
)
def test_line_without_text_is_refused_by_its_number(line):
    lines = TextLines(events=False)
    assert list(lines.feed(b'{"text": "a"}\n')) == ["a"]
    with pytest.raises(LineError, match="Line 2 is no JSON object with a text"):
        list(lines.feed(line + b"\n"))


def test_line_without_end_is_refused():
    with pytest.raises(LineError, match="Line 1 has more than"):
        list(TextLines(events=False).feed(b"x" * (MAX_LINE + 1)))
