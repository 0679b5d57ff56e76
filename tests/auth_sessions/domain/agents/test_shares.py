"""What strangers have filled is shared: who has the most gives way first."""

from uuid import UUID

import pytest

from auth_sessions.domain.agents.shares import give_way

PERSON, OTHER, GREEDY = "192.0.2.1", "198.51.100.1", "2001:db8:1:{}::1"


@pytest.mark.parametrize(
    ("addresses", "count", "gone"),
    [
        ([], 1, []),
        ([PERSON], 0, []),
        ([PERSON], 2, [0]),
        ([PERSON, OTHER, OTHER], 1, [1]),
        ([PERSON, OTHER, OTHER], 2, [1, 0]),  # then each has one, and the oldest goes
        ([PERSON, *(GREEDY.format(number) for number in range(3)), OTHER], 2, [1, 2]),
        (["::ffff:192.0.2.1", PERSON, OTHER], 1, [0]),
        (["", PERSON, ""], 1, [0]),
    ],
)
def test_oldest_of_who_has_the_most_goes(addresses, count, gone):
    rows = [(UUID(int=place), address) for place, address in enumerate(addresses)]
    assert give_way(rows, count) == [UUID(int=place) for place in gone]
