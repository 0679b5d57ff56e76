from core.log_pace import MAX_KEYS, LogPace


def test_first_line_is_written_and_the_next_says_how_many_were_left_out():
    now = 0.0
    pace = LogPace(every=60, clock=lambda: now)
    assert [pace.admits("a") for _ in range(4)] == [0, None, None, None]
    now = 60.0
    assert [pace.admits("a"), pace.admits("a")] == [3, None]


def test_troubles_are_told_apart():
    pace = LogPace(every=60, clock=lambda: 0.0)
    assert [pace.admits("a"), pace.admits("b"), pace.admits("b")] == [0, 0, None]


def test_rest_that_no_line_has_counted_is_told_once():
    pace = LogPace(every=60, clock=lambda: 0.0)
    for key in ("a", "a", "b", "a"):
        pace.admits(key)
    assert (pace.rest(), pace.rest()) == ([("a", 2)], [])


def test_keys_are_bounded():
    pace = LogPace(every=60, clock=lambda: 0.0)
    for key in range(3 * MAX_KEYS):
        pace.admits(key)
    assert len(pace._known) == MAX_KEYS
