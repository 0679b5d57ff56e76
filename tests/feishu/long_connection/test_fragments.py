import pytest
from hypothesis import given
from hypothesis import strategies as st

from feishu.long_connection.fragments import MAX_FRAGMENTS, Fragments


def add(
    fragments: Fragments, message_id: str, index: int, total: int, content: bytes = b"x", now: float = 0.0
):
    return fragments.add(message_id, index=index, total=total, content=content, now=now)


def test_a_completed_message_is_forgotten():
    fragments = Fragments()
    assert add(fragments, "m", 0, 2, b"a") is None
    assert add(fragments, "m", 1, 2, b"b") == b"ab"
    assert len(fragments) == 0


def test_a_repeated_fragment_replaces_the_earlier_one():
    fragments = Fragments()
    add(fragments, "m", 0, 2, b"a")
    add(fragments, "m", 0, 2, b"A")
    assert add(fragments, "m", 1, 2, b"b") == b"Ab"


def test_an_empty_fragment_counts_as_present():
    fragments = Fragments()
    add(fragments, "m", 0, 2, b"")
    assert add(fragments, "m", 1, 2, b"b") == b"b"


def test_another_total_starts_the_message_afresh():
    fragments = Fragments()
    add(fragments, "m", 0, 3, b"old")
    assert add(fragments, "m", 0, 2, b"a") is None
    assert add(fragments, "m", 1, 2, b"b") == b"ab"


@given(st.permutations([(message_id, index) for message_id in "abc" for index in range(4)]))
def test_messages_do_not_mix_however_their_fragments_interleave(order):
    fragments, whole = Fragments(), {}
    for message_id, index in order:
        payload = add(fragments, message_id, index, 4, f"{message_id}{index}".encode())
        if payload is not None:
            whole[message_id] = payload
    assert whole == {"a": b"a0a1a2a3", "b": b"b0b1b2b3", "c": b"c0c1c2c3"}
    assert len(fragments) == 0


def test_a_message_that_does_not_complete_is_dropped_in_time():
    fragments = Fragments(max_age=30)
    add(fragments, "m", 0, 2, now=0)
    add(fragments, "n", 0, 2, now=29)
    assert len(fragments) == 2
    add(fragments, "o", 0, 2, now=31)
    assert len(fragments) == 2
    assert add(fragments, "m", 1, 2, now=31) is None


def test_the_oldest_message_gives_way_when_there_are_too_many():
    fragments = Fragments(max_messages=2)
    for message_id in "abc":
        add(fragments, message_id, 0, 2)
    assert len(fragments) == 2
    assert add(fragments, "b", 1, 2) == b"xx"


def test_the_oldest_message_gives_way_when_memory_runs_out():
    fragments = Fragments(max_bytes=10)
    add(fragments, "a", 0, 2, b"12345")
    add(fragments, "b", 0, 2, b"12345")
    add(fragments, "c", 0, 2, b"1")
    assert len(fragments) == 2
    assert add(fragments, "b", 1, 2, b"6") == b"123456"


def test_replaced_and_finished_fragments_free_their_memory():
    fragments = Fragments(max_bytes=10)
    for _ in range(100):
        add(fragments, "a", 0, 2, b"12345")
    add(fragments, "b", 0, 2, b"1234")
    assert add(fragments, "a", 1, 2, b"6") == b"123456"
    add(fragments, "c", 0, 2, b"12345")
    assert len(fragments) == 2


@pytest.mark.parametrize(
    ("message_id", "index", "total"), [("", 0, 2), ("m", -1, 2), ("m", 2, 2), ("m", 0, MAX_FRAGMENTS + 1)]
)
def test_a_fragment_of_no_possible_message_is_refused(message_id, index, total):
    with pytest.raises(ValueError, match="fragment"):
        add(Fragments(), message_id, index, total)
