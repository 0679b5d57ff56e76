import pytest

from events.subscriptions.filters import all_hold, parse_condition

EVENT = {
    "header": {"tenant_key": "tenant"},
    "event": {
        "message": {"chat_type": "p2p", "chat_id": "oc_1", "mentions": [{"id": {"open_id": "ou_1"}}, {"id": {"open_id": "ou_2"}}]},
        "count": 3,
        "is_external": True,
        "nothing": None,
    },
}  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "event.message.chat_type = p2p",
        "event.message.chat_type=p2p",
        ' event.message.chat_type = "p2p" ',
        "event.message.chat_id in oc_0, oc_1",
        "event.message.mentions.id.open_id = ou_2",
        "event.count = 3",
        "event.is_external = true",
    ],
)
def test_a_condition_holds(line):
    assert all_hold([line], EVENT)


@pytest.mark.parametrize(
    "line",
    [
        "event.message.chat_type = group",
        "event.message.chat_type.further = p2p",
        "event.message = p2p",
        "event.absent = p2p",
        "event.nothing = None",
        "event.is_external = True",
    ],
)
def test_a_condition_does_not_hold(line):
    assert not all_hold([line], EVENT)


def test_every_condition_must_hold():
    assert not all_hold(["event.count = 3", "event.count = 4"], EVENT)
    assert all_hold([], EVENT)


@pytest.mark.parametrize(
    "line", ["", "event", "event =", "= 3", "a..b = 1", "__import__('os') = 1", "a in ,", "a > 3"]
)
def test_what_is_no_condition_is_refused_and_lets_nothing_pass(line):
    with pytest.raises(ValueError):
        parse_condition(line)
    assert not all_hold([line], EVENT)


def test_a_condition_cannot_be_deeper_or_wider_than_its_bounds():
    for line in (".".join(["a"] * 13) + " = 1", "a in " + ",".join(map(str, range(201)))):
        with pytest.raises(ValueError):
            parse_condition(line)
