"""Runs after ``test_browser``: once a module's browser is closed, its event loop is out of everybody's way."""

import asyncio

from django.contrib.auth import get_user_model


def test_the_orm_works_after_a_browser_module(db) -> None:
    assert get_user_model().objects.count() == 0


async def test_async_tests_run_after_a_browser_module() -> None:
    assert await asyncio.to_thread(str.upper, "ok") == "OK"
