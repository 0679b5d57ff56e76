"""Facts on log lines: bound where work begins, given back where it ends."""

import asyncio
import logging

import pytest
from asgiref.sync import sync_to_async
from django.http import HttpResponse
from django.test import RequestFactory
from structlog.contextvars import bind_contextvars, get_contextvars

from core.log_context import add_to_log, log_context, name_requests
from tests.services.log_lines import lines

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

    async with asyncio.timeout(20):
        await asyncio.gather(first(), second())
    assert lines(leaks, "first") == [{"app_id": "first"}]
    assert lines(leaks, "second") == [{"app_id": "second"}]


def view(_request):
    bind_contextvars(app_id="cli_1")
    return HttpResponse()


async def async_view(_request):
    return view(_request)


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("given", "is_kept"), [("abc-1.2_3", True), ("", False), ("two words", False), ("x" * 65, False)]
)
def test_request_has_an_id_that_is_returned(given, is_kept, is_async):
    request = RequestFactory().get("/", headers={"X-Request-ID": given})
    respond = name_requests(async_view if is_async else view)
    response = asyncio.run(respond(request)) if is_async else respond(request)
    assert (response["X-Request-ID"] == given) is is_kept
    assert len(response["X-Request-ID"]) >= (1 if is_kept else 32)
