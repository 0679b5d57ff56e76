from collections import Counter
from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from bots.connections.balance import PATIENCE, Balance, fair_shares
from bots.connections.leases import Survey
from bots.connections.processes import Peer
from bots.connections.slots import SeenSlot, WantedSlot

A, B, C = (Peer(UUID(int=number), 500) for number in (1, 2, 3))


def slot(number: int, bot: int | None = None, holder: Peer | None = None, **values) -> SeenSlot:
    bot = number if bot is None else bot
    wanted = WantedSlot(number, UUID(int=1000 + bot), f"cli_{bot}", ("x",))
    return SeenSlot(wanted, holder=holder.id if holder else None, connected=holder is not None, **values)


def slots(count: int, holder: Peer | None = None, start: int = 0) -> list[SeenSlot]:
    return [slot(start + number, holder=holder) for number in range(count)]


def balance(me: Peer, peers: list[Peer], seen: list[SeenSlot]) -> Balance:
    return Balance(me, Survey(peers, seen))


def ids(candidates) -> list[int]:
    return [candidate.slot.slot_id for candidate in candidates]


def settle(peers: list[Peer], seen: list[SeenSlot], rounds: int = 60) -> tuple[list[SeenSlot], int]:
    """Let the processes act in turn until nothing moves; the slots, and the most that one moved in a round."""
    most = 0
    for _ in range(rounds):
        for me in peers:
            view = balance(me, peers, seen)
            load, moved = view.load, 0
            for candidate in [*view.claims({}), *view.moves({})]:
                if load >= min(me.capacity, me.capacity if candidate.beyond_share else view.share):
                    continue
                moved += candidate.slot.holder is not None
                load += 1
                taken = replace(candidate.slot, holder=me.id, connected=True)
                seen = [taken if one.slot_id == taken.slot_id else one for one in seen]
            most = max(most, moved)
    return seen, most


def loads(seen: list[SeenSlot]) -> Counter[UUID | None]:
    return Counter(one.holder for one in seen)


def test_shares_are_equal_up_to_one():
    assert sorted(fair_shares(slots(61), [A, B, C]).values()) == [20, 20, 21]


def test_share_ends_at_the_capacity_and_the_others_carry_the_rest():
    assert fair_shares(slots(60), [replace(A, capacity=5), B, C]) == {A.id: 5, B.id: 28, C.id: 27}


def test_process_confined_to_a_bot_gets_nothing_else():
    confined = replace(A, only=frozenset({"cli_0"}))
    assert fair_shares(slots(5), [confined, B]) == {A.id: 1, B.id: 4}


def test_process_that_leaves_has_no_share():
    assert fair_shares(slots(4), [replace(A, draining=True), B]) == {A.id: 0, B.id: 4}


@given(st.integers(0, 40), st.lists(st.integers(0, 30), min_size=1, max_size=5))
def test_shares_add_up_to_what_there_is_or_to_what_fits(count, capacities):
    peers = [Peer(UUID(int=number), capacity) for number, capacity in enumerate(capacities)]
    assert sum(fair_shares(slots(count), peers).values()) == min(count, sum(capacities))


def test_lone_process_claims_everything_at_once():
    seen = [slot(1, bot=7), slot(2, bot=7), slot(3)]
    assert sorted(ids(balance(A, [A], seen).claims({}))) == [1, 2, 3]


def test_slots_of_one_bot_go_to_different_processes():
    seen = [slot(1, bot=7), slot(2, bot=7)]
    assert len(ids(balance(A, [A, B], seen).claims({}))) == 1
    assert ids(balance(A, [A, B], [slot(1, bot=7, holder=A), slot(2, bot=7)]).claims({})) == []
    assert ids(balance(B, [A, B], [slot(1, bot=7, holder=A), slot(2, bot=7)]).claims({})) == [2]


def test_slot_nobody_came_for_is_taken_beside_another_of_its_bot_and_beyond_the_share():
    seen = [slot(1, bot=7, holder=A), slot(2, bot=7)]
    [candidate] = balance(A, [A, B], seen).claims({2: PATIENCE})
    assert (candidate.slot.slot_id, candidate.beyond_share) == (2, True)


def test_bot_that_hears_nothing_comes_first():
    seen = [slot(1, bot=7, holder=B), slot(2, bot=7), slot(3, bot=8)]
    assert ids(balance(A, [A, B], seen).claims({})) == [3, 2]


def test_processes_try_in_different_orders():
    assert ids(balance(A, [A, B], slots(20)).claims({})) != ids(balance(B, [A, B], slots(20)).claims({}))


def test_newcomer_takes_a_tenth_of_what_it_lacks_each_round():
    seen, most = settle([A, B], slots(60, holder=A))
    assert loads(seen) == {A.id: 30, B.id: 30}
    assert most == 3


def test_balanced_processes_leave_each_other_alone():
    seen = slots(5, holder=A) + slots(5, holder=B, start=5)
    assert balance(A, [A, B], seen).moves({}) == []
    assert balance(B, [A, B], seen).moves({}) == []


def test_connection_that_does_not_hear_is_not_moved():
    seen = [replace(one, connected=False) for one in slots(10, holder=A)]
    assert balance(B, [A, B], seen).moves({}) == []


def test_everything_of_a_process_that_leaves_is_taken_over():
    leaving = replace(A, draining=True)
    assert sorted(ids(balance(B, [leaving, B], slots(30, holder=A)).moves({}))) == list(range(30))


def test_companions_on_one_process_are_parted():
    both = [slot(1, bot=7, holder=A), slot(2, bot=7, holder=A), slot(3, holder=B), slot(4, holder=B)]
    seen, _ = settle([A, B], both)
    assert loads(seen) == {A.id: 2, B.id: 2}
    assert len({one.holder for one in seen[:2]}) == 2


def test_companions_of_many_bots_are_parted_when_a_second_process_joins():
    seen = [slot(2 * bot + n, bot=bot, holder=A) for bot in range(10) for n in range(2)]
    seen, _ = settle([A, B], seen)
    by_bot = {(one.wanted.bot_id, one.holder) for one in seen}
    assert len(by_bot) == 20


def test_full_processes_leave_slots_unplaceable_and_a_confined_one_does_not_count():
    full = replace(A, capacity=2)
    seen = [*slots(2, holder=A), slot(2)]
    assert [one.slot_id for one in balance(full, [full], seen).unplaceable()] == [2]
    assert balance(full, [full, B], seen).unplaceable() == []
    confined = replace(A, only=frozenset({"cli_0"}))
    assert balance(confined, [confined], [slot(0, holder=A), slot(1)]).unplaceable() == []


def test_successors_exist_while_somebody_has_room_or_is_on_the_way():
    leaving, full = replace(A, draining=True), replace(B, capacity=1)
    seen = [slot(1, holder=A)]
    assert balance(leaving, [leaving, B], seen).successors_exist()
    assert not balance(leaving, [leaving], seen).successors_exist()
    assert not balance(leaving, [leaving, replace(C, draining=True)], seen).successors_exist()
    taken = [replace(seen[0], successor=full.id)]
    assert balance(leaving, [leaving, full], taken).successors_exist()
