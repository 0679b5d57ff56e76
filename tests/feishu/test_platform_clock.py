from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest
import respx

from feishu.long_connection import address
from feishu.platform_clock import MAX_HOSTS, PlatformClock
from feishu.transport import Transport

NOW = 1_800_000_000.0
HOUR = 3600.0


class Machine:
    """A machine whose clock is `ahead` of the platform's by so many seconds."""

    def __init__(self, ahead: float = 0.0) -> None:
        self.ahead = ahead
        self.passed = 0.0
        self.clock = PlatformClock(
            wall=lambda: NOW + self.passed + self.ahead, steady=lambda: 1_000.0 + self.passed
        )

    def answer(self, *, host="open.test", off=0.0, count=1, status=200, took=0.1, **headers) -> None:
        """Answers whose date is `off` the platform's true time."""
        for _ in range(count):
            at = datetime.fromtimestamp(int(NOW + self.passed + off), UTC)
            date = {"date": format_datetime(at, usegmt=True)}
            self.clock.note(host, status=status, headers=date | headers, took=took)
            self.passed += 1


def test_nothing_is_known_before_several_answers():
    machine = Machine(ahead=HOUR)
    machine.answer(count=2)
    assert machine.clock.offset() is None
    machine.answer()
    assert machine.clock.offset() == pytest.approx(-HOUR, abs=2)


@pytest.mark.parametrize("ahead", [0.0, 45.0, -45.0])
def test_less_than_a_minute_is_not_corrected(ahead):
    machine = Machine(ahead=ahead)
    machine.answer(count=5)
    assert machine.clock.offset() == pytest.approx(-ahead, abs=2)
    assert machine.clock.correction() == 0.0


@pytest.mark.parametrize("ahead", [2700.0, -2700.0, 86_400.0 * 400])
def test_clock_that_is_off_is_noticed_either_way(ahead):
    machine = Machine(ahead=ahead)
    machine.answer(count=3)
    assert machine.clock.correction() == pytest.approx(-ahead, abs=2)


def test_odd_date_of_a_proxy_among_others_is_outvoted():
    machine = Machine()
    machine.answer(count=6)
    machine.answer(off=-5 * HOUR, count=2)
    assert machine.clock.offset() == pytest.approx(0, abs=2)


def test_dates_that_contradict_each_other_prove_nothing():
    machine = Machine()
    for hours in range(6):
        machine.answer(off=hours * HOUR)
    assert machine.clock.offset() is None
    assert machine.clock.correction() == 0.0


def test_platform_with_an_odd_clock_is_outvoted_by_one_that_agrees_with_the_machine():
    machine = Machine()
    machine.answer(host="open.private.test", off=HOUR, count=9)
    machine.answer(count=3)
    assert machine.clock.correction() == 0.0


@pytest.mark.parametrize(
    "values",
    [
        {"status": 407},
        {"status": 502},
        {"took": 9.0},
        {"age": "3600"},
        {"date": ""},
        {"date": "yesterday"},
        {"date": "Mon, 99 Foo 2026 25:61:61 GMT"},
        {"date": "Mon, 01 Jan 0001 00:00:00 -2359"},
        {"date": "x" * 100_000},
    ],
)
def test_answers_that_tell_no_time_are_left_out(values):
    machine = Machine(ahead=HOUR)
    machine.answer(count=9, **values)
    assert machine.clock.offset() is None


def test_clock_that_is_set_right_is_right_at_once():
    machine = Machine(ahead=HOUR)
    machine.answer(count=3)
    assert machine.clock.correction()
    machine.ahead, machine.passed = 0.0, machine.passed + 5
    assert machine.clock.correction() == 0.0


def test_hosts_are_bounded():
    machine = Machine()
    for number in range(3 * MAX_HOSTS):
        machine.answer(host=f"h{number}.test")
    assert len(machine.clock._answers) == MAX_HOSTS


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOW + seconds, UTC)


@pytest.mark.parametrize("ahead", [2700.0, -2700.0])
@pytest.mark.parametrize("age", [0.0, 600.0, 2400.0])
def test_age_of_what_came_is_right_whichever_way_the_clock_is_off(ahead, age):
    machine = Machine(ahead=ahead)
    machine.answer(count=3)
    received = at(ahead)  # by the machine's clock, while it is NOW
    created = machine.clock.in_local_time(at(-age), received=received)
    assert (received - created).total_seconds() == pytest.approx(age, abs=2)


def test_what_agrees_with_the_machine_is_not_corrected():
    machine = Machine()
    machine.answer(off=HOUR, count=5)  # every answer through one proxy with an odd clock
    assert machine.clock.correction()
    assert machine.clock.in_local_time(at(-2), received=at(0)) == at(-2)


def test_nothing_is_made_to_come_from_the_future():
    machine = Machine()
    machine.answer(off=-HOUR, count=5)
    assert machine.clock.in_local_time(at(-1200), received=at(0)) == at(-1200)


def test_times_at_the_ends_stay_as_they_are():
    machine = Machine(ahead=-HOUR)
    machine.answer(count=5)
    earliest = datetime.min.replace(tzinfo=UTC)
    assert machine.clock.in_local_time(earliest, received=at(0)) == earliest


def test_every_answer_of_the_platform_is_noted(monkeypatch):
    clock = PlatformClock()
    monkeypatch.setattr("feishu.transport.platform_clock", clock)
    late = datetime.now(UTC) - timedelta(hours=1)
    transport = Transport()
    with respx.mock() as router:
        date = {"Date": format_datetime(late, usegmt=True)}
        router.get("http://platform.test/x").respond(200, json={"code": 0}, headers=date)
        for _ in range(3):
            transport.request("GET", "http://platform.test/x")
    transport.close()
    assert clock.offset() == pytest.approx(-HOUR, abs=3)


@pytest.mark.parametrize(("hours", "asked"), [(0, 0), (2, 2)])
async def test_doubt_at_the_first_answer_of_a_gateway_is_settled_by_more(
    monkeypatch, credentials, hours, asked
):
    clock = PlatformClock()
    monkeypatch.setattr("feishu.long_connection.address.platform_clock", clock)
    date = {"Date": format_datetime(datetime.now(UTC) - timedelta(hours=hours), usegmt=True)}
    heads = 0

    def answer(request: httpx2.Request) -> httpx2.Response:
        nonlocal heads
        heads += request.method == "HEAD"
        body = {"code": 0, "data": {"URL": "wss://gateway.test/?device_id=1&service_id=2"}}
        return httpx2.Response(404 if request.method == "HEAD" else 200, json=body, headers=date)

    def client(_proxy: str) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(answer))

    await address.find_gateway(credentials, seconds=5, config=address.ClientConfig(), client=client)
    assert heads == asked
    assert bool(clock.correction()) == bool(hours)
