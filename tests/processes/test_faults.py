"""A burst of events while listeners, workers, the database and the broker die. The sandbox's books are the judge."""

import pytest

from tests.services.handling import Handling
from tests.services.platform import APP_ID

# SQLite has no server that could die.
pytestmark = [pytest.mark.processes, pytest.mark.only_on("postgres")]

ROUNDS = 3
EVENTS = 200  # in a round


@pytest.fixture
def handling(own_server, own_database, own_redis, managed_process, environment, sandbox, addbot, tmp_path):
    addbot(APP_ID, "--slots", "2")
    return Handling(managed_process, environment, sandbox, own_server, tmp_path)


@pytest.mark.timeout(400)
def test_nothing_is_lost_or_done_twice_whatever_dies(handling):
    for number in range(1, ROUNDS + 1):
        handling.push(EVENTS, per_second=60)
        for fault in handling.FAULTS:
            fault(handling)
            assert handling.check() == 0, fault.__name__
        handling.settle(number * EVENTS, seconds=90)
    verdict = handling.verdict()
    assert verdict.is_clean, verdict
    # The faults have hit something.
    assert handling.cost().pushed_again
    assert handling.cost().tries_lost
