import asyncio
import threading

import pytest
from django.db import OperationalError

from core.installation import state
from core.installation import watch as module
from core.installation.state import ACTIVE, CAUSES, Cause, PortalState
from core.installation.watch import Watch, cure, sentence
from tests.services.processes import PATIENCE

COPY = PortalState(Cause.PLACE)


@pytest.fixture
def looks(monkeypatch) -> list[PortalState | Exception]:
    """What the next looks find, the last one again and again."""
    found: list[PortalState | Exception] = [ACTIVE]

    def look() -> PortalState:
        answer = found.pop(0) if len(found) > 1 else found[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(state, "look", look)
    monkeypatch.setattr(state, "judge", look)
    return found


@pytest.fixture
def watch(monkeypatch, looks) -> Watch:
    """Looks every time."""
    monkeypatch.setattr(module, "FRESH_SECONDS", 0.0)
    return Watch()


pytestmark = pytest.mark.django_db


def test_process_learns_that_its_database_is_a_copy_and_says_so_once(watch, looks, caplog):
    assert not watch.is_passive()
    looks[:] = [COPY]
    assert watch.is_passive()
    assert watch.is_passive()
    [line] = [record for record in caplog.records if record.message == "portal_passive"]
    assert (line.cause, "adoptrestore" in line.cure) == (CAUSES[Cause.PLACE].en_us, True)
    looks[:] = [ACTIVE]
    assert not watch.is_passive()


def test_database_that_does_not_answer_changes_nothing(watch, looks):
    looks[:] = [OperationalError()]
    assert not watch.is_passive()
    looks[:] = [COPY]
    assert watch.is_passive()
    looks[:] = [OperationalError()]
    assert watch.is_passive()


def test_answer_is_good_for_a_while(monkeypatch, looks):
    monkeypatch.setattr(module, "FRESH_SECONDS", 3600.0)
    watch = Watch()
    looks[:] = [ACTIVE, COPY]
    assert not watch.is_passive()
    assert not watch.is_passive()
    watch.forget()
    assert watch.is_passive()


def test_one_thread_looks_and_the_others_go_by_what_is_known(monkeypatch, watch, looks):
    watch.current()
    begun, ended = threading.Event(), threading.Event()

    def look() -> PortalState:
        begun.set()
        assert ended.wait(PATIENCE)
        return COPY

    monkeypatch.setattr(state, "look", look)
    monkeypatch.setattr(state, "judge", look)
    slow = threading.Thread(target=watch.current)
    slow.start()
    assert begun.wait(PATIENCE)
    assert not watch.is_passive()
    ended.set()
    slow.join(PATIENCE)
    assert watch.last == COPY


def test_request_of_a_process_that_never_looked_waits_for_a_look(looks):
    looks[:] = [COPY]
    assert Watch().may_nothing_depart()


async def test_request_on_an_event_loop_goes_by_what_is_known(looks):
    looks[:] = [COPY]
    watch = Watch()
    assert not watch.may_nothing_depart()
    assert (await watch.acurrent()) == COPY
    assert watch.may_nothing_depart()


async def test_request_on_an_event_loop_waits_for_no_slow_database(monkeypatch, watch):
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)
    assert (await watch.acurrent()) == ACTIVE
    ended = threading.Event()

    def look() -> PortalState:
        ended.wait(PATIENCE)
        return COPY

    monkeypatch.setattr(state, "look", look)
    monkeypatch.setattr(state, "judge", look)
    async with asyncio.timeout(PATIENCE):
        assert [await watch.acurrent() for _ in range(3)] == [ACTIVE] * 3
    looking = watch._asked
    ended.set()
    await asyncio.wrap_future(looking)
    assert watch.last == COPY


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_words_and_a_cure(cause):
    text = sentence(PortalState(cause))
    assert CAUSES[cause].zh_cn in text.zh_cn
    assert cure(cause).en_us in text.en_us
    assert sentence(ACTIVE) is None
