"""What a handler is called, whatever kind of callable it is."""

from functools import partial, wraps

import pytest

from events.handling.calling import completed
from events.handling.identity import MAX_NAME, default_name, fault_of_name, is_async


def handle(event, bot):
    return "sync"


async def handle_async(event, bot):
    return "async"


class Greeter:
    def __call__(self, event, bot):
        return "sync"

    def greet(self, event, bot):
        return "sync"

    async def greet_async(self, event, bot):
        return "async"


class AsyncGreeter:
    async def __call__(self, event, bot):
        return "async"


@wraps(handle_async)
def wrapped(event, bot):
    return handle_async(event, bot)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (handle, f"{__name__}.handle"),
        (handle_async, f"{__name__}.handle_async"),
        (Greeter().greet, f"{__name__}.Greeter.greet"),
        (partial(handle), ""),
        (Greeter(), ""),
    ],
)
def test_default_name_is_the_python_path_of_what_has_one(function, name):
    assert default_name(function) == name


@pytest.mark.parametrize("name", ["greet", "app.handlers.greet", "问候", "x" * MAX_NAME])
def test_name_of_printable_characters_is_a_name(name):
    assert fault_of_name(name) == ""


@pytest.mark.parametrize("name", ["", "x" * (MAX_NAME + 1), "two\nlines", " greet", "app.<lambda>"])
def test_name_that_would_not_last_or_be_mistaken_is_refused(name):
    assert fault_of_name(name).startswith("has ")


@pytest.mark.parametrize(
    ("function", "asynchronous"),
    [
        (handle, False),
        (Greeter(), False),
        (Greeter().greet, False),
        (partial(handle), False),
        (handle_async, True),
        (AsyncGreeter(), True),
        (Greeter().greet_async, True),
        (partial(handle_async), True),
        (partial(partial(AsyncGreeter())), True),
    ],
)
def test_async_callables_of_every_kind_are_recognised(function, asynchronous):
    assert is_async(function) is asynchronous
    assert completed(function(None, None), seconds=5) == ("async" if asynchronous else "sync")


def test_coroutine_of_a_sync_wrapper_is_awaited():
    assert completed(wrapped(None, None), seconds=5) == "async"
