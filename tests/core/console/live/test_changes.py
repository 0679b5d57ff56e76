from core.console.live.changes import ANYTHING, MAX_KEYS, Changes


def test_keys_of_a_topic_are_gathered_and_those_of_others_are_not() -> None:
    changes = Changes()
    changes.add("bots", ["1"])
    changes.add("bots", ["1", "2"])
    changes.add("events", ["3"])

    assert changes.of("bots") == {"1", "2"}
    assert changes.of("slots") == frozenset()


def test_anything_takes_in_whatever_comes_before_and_behind() -> None:
    changes = Changes()
    changes.add("bots", ["1"])
    changes.add("bots", ANYTHING)
    changes.add("bots", ["2"])

    assert changes.of("bots") is ANYTHING


def test_more_keys_than_are_kept_mean_anything() -> None:
    changes = Changes()
    changes.add("bots", map(str, range(MAX_KEYS)))
    assert len(changes.of("bots") or ()) == MAX_KEYS

    changes.add("bots", ["one more"])

    assert changes.of("bots") is ANYTHING


def test_message_holds_every_topic_and_nothing_is_false() -> None:
    changes = Changes()
    assert not changes
    changes.add("bots", ["2", "1"])
    changes.add("events", ANYTHING)

    assert changes
    assert changes.as_message() == {"bots": ["1", "2"], "events": None}
