"""Facts on log lines: bound where work begins, given back where it ends."""

import asyncio
import logging

import pytest
from asgiref.sync import sync_to_async
from structlog.contextvars import clear_contextvars, get_contextvars

from core.log_context import add_to_log, add_to_request, log_context, request_facts
from tests.services.log_lines import lines
from tests.services.processes import PATIENCE

logger = logging.getLogger("tests.log_context")


@pytest.fixture(autouse=True)
def nothing_is_left_bound():
    yield
    assert get_contextvars() == {}


def test_facts_are_on_every_line_of_the_work_and_on_none_after_it(leaks):
    with log_context(app_id="cli_1"):
        add_to_log(event_id="e1")
        logger.warning("inside")
        with log_context(event_id="e2"):
            logger.warning("deeper")
        logger.warning("inside again")
    logger.warning("outside")
    assert lines(leaks, "inside") == [{"app_id": "cli_1", "event_id": "e1"}]
    assert lines(leaks, "inside again") == [{"app_id": "cli_1", "event_id": "e1"}]
    assert lines(leaks, "deeper") == [{"app_id": "cli_1", "event_id": "e2"}]
    assert lines(leaks, "outside") == [{}]


def test_facts_are_given_back_when_the_work_fails():
    with pytest.raises(ValueError, match="failed"), log_context(app_id="cli_1"):
        raise ValueError("failed")


async def test_works_side_by_side_do_not_mix(leaks):
    first_is_in, second_is_done = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        with log_context(app_id="first"):
            first_is_in.set()
            await second_is_done.wait()
            logger.warning("first")

    async def second() -> None:
        await first_is_in.wait()
        with log_context(app_id="second"):
            await sync_to_async(logger.warning)("second")
        second_is_done.set()

    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(first(), second())
    assert lines(leaks, "first") == [{"app_id": "first"}]
    assert lines(leaks, "second") == [{"app_id": "second"}]


def test_line_of_a_request_gets_what_was_known_of_it_first():
    with request_facts() as facts:
        with log_context(session="s1"):
            add_to_log(app_id="cli_1")
        add_to_log(app_id="cli_2")
        add_to_request(user=7)
    add_to_request(user=8)
    assert facts == {"session": "s1", "app_id": "cli_1", "user": 7}
    clear_contextvars()


async def test_line_of_a_request_gets_what_its_tasks_and_threads_know():
    with request_facts() as facts:
        await asyncio.create_task(sync_to_async(add_to_log)(app_id="cli_1"))
    assert facts == {"app_id": "cli_1"}
    clear_contextvars()
