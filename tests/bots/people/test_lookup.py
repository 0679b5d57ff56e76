from datetime import timedelta

import httpx2
import pytest
import respx
from django.utils import timezone

from bots.models import Bot, PeopleLookup, Person
from bots.people import lookup
from bots.people.directory import FRESH, remember
from core.background.pace import Pace
from feishu.people import Profile
from tests.factories import PLATFORM, make_bot

pytestmark = pytest.mark.django_db

BATCH = "/open-apis/contact/v3/users/batch"


@pytest.fixture(autouse=True)
def prompt(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """No pause between calls; the messages that were sent."""
    sent: list[tuple[object, ...]] = []
    monkeypatch.setattr(lookup, "LOOK_UPS", Pace(rate=10_000))
    monkeypatch.setattr(lookup, "notify", lambda *message: sent.append(message))
    monkeypatch.setattr(lookup, "_lately", lookup._Lately())
    return sent


@pytest.fixture
def batch():
    """The route on which the platform says who people are."""
    with respx.mock(base_url=PLATFORM, assert_all_called=False) as router:
        router.post("/open-apis/auth/v3/tenant_access_token/internal").respond(
            json={"code": 0, "tenant_access_token": "t-1", "expire": 7200}
        )
        yield router.get(BATCH)


def answer(*people: dict[str, str]) -> dict[str, object]:
    return {"code": 0, "data": {"items": list(people)}}


def noted(*open_ids: str) -> Bot:
    bot = make_bot()
    lookup.note((bot.pk, open_id) for open_id in open_ids)
    return bot


def state_of(bot: Bot) -> PeopleLookup:
    return PeopleLookup.objects.get(pk=bot.pk)


def test_people_are_looked_up_together_and_once(batch):
    batch.respond(json=answer({"open_id": "ou_1", "name": "王芳"}, {"open_id": "ou_strange", "name": "?"}))
    bot = noted("ou_1", "ou_2")
    for _ in range(2):
        lookup.look_up(bot.pk)
    assert batch.call_count == 1
    assert sorted(batch.calls[0].request.url.params.get_list("user_ids")) == ["ou_1", "ou_2"]
    assert dict(Person.objects.values_list("open_id", "name")) == {"ou_1": "王芳", "ou_2": ""}
    assert state_of(bot).next_at is None
    assert lookup.due_bots() == []


def test_who_is_known_is_not_asked_for_until_it_was_long_ago(batch):
    bot = make_bot()
    remember(bot, [Profile("ou_1", name="王芳")])
    lookup.note([(bot.pk, "ou_1")])
    lookup.look_up(bot.pk)
    assert not batch.called
    Person.objects.update(updated_at=timezone.now() - FRESH)
    batch.respond(json=answer({"open_id": "ou_1", "name": "王方"}))
    lookup.note([(bot.pk, "ou_1")])
    PeopleLookup.objects.update(next_at=timezone.now())
    lookup.look_up(bot.pk)
    assert Person.objects.get().name == "王方"


def test_missing_scope_is_kept_and_not_asked_again_before_a_day(batch):
    batch.respond(400, json={"code": 99991672, "msg": "Access denied."})
    bot = noted("ou_1")
    lookup.look_up(bot.pk)
    state = state_of(bot)
    assert (state.code, state.failures) == (99991672, 1)
    assert state.next_at is not None
    assert timedelta(hours=23) < state.next_at - timezone.now() < timedelta(hours=25)
    lookup.note([(bot.pk, "ou_2")])
    lookup.look_up(bot.pk)
    assert lookup.due_bots() == []
    assert batch.call_count == 1


def test_platform_that_is_away_is_asked_again_and_what_failed_is_forgotten(batch):
    batch.respond(502)
    bot = noted("ou_1")
    lookup.look_up(bot.pk)
    assert state_of(bot).failures == 1
    PeopleLookup.objects.update(next_at=timezone.now())
    batch.respond(json=answer({"open_id": "ou_1", "name": "王芳"}))
    assert lookup.due_bots() == [bot.pk]
    lookup.look_up(bot.pk)
    state = state_of(bot)
    assert (state.failures, state.reason, state.failed_at, state.next_at) == (0, "", None, None)


def test_an_id_that_the_platform_does_not_know_keeps_no_other_from_a_name(batch):
    def respond(request):
        wanted = request.url.params.get_list("user_ids")
        if "ou_bad" in wanted:
            return httpx2.Response(400, json={"code": 99992351, "msg": "not a valid open_id"})
        return httpx2.Response(200, json=answer(*({"open_id": one, "name": f"N {one}"} for one in wanted)))

    batch.side_effect = respond
    bot = noted("ou_1", "ou_2", "ou_bad", "ou_3")
    lookup.look_up(bot.pk)
    names = dict(Person.objects.values_list("open_id", "name"))
    assert names == {"ou_1": "N ou_1", "ou_2": "N ou_2", "ou_3": "N ou_3", "ou_bad": ""}
    assert state_of(bot).next_at is None


def test_one_worker_at_a_time_asks_for_a_bot(batch):
    bot = noted("ou_1")
    PeopleLookup.objects.update(next_at=timezone.now() + lookup.CLAIM)
    lookup.look_up(bot.pk)
    assert not batch.called


def test_bot_that_is_off_asks_for_nobody(batch):
    bot = noted("ou_1")
    Bot.objects.filter(pk=bot.pk).update(enabled=False)
    lookup.look_up(bot.pk)
    assert not batch.called
    assert lookup.due_bots() == []


def test_more_people_than_one_task_asks_for_are_left_to_the_next(batch, monkeypatch):
    monkeypatch.setattr(lookup, "MAX_PEOPLE", 1)
    monkeypatch.setattr(lookup, "BATCHES", 2)
    batch.respond(json=answer())
    bot = noted("ou_1", "ou_2", "ou_3")
    lookup.look_up(bot.pk)
    assert batch.call_count == 2
    assert lookup.due_bots() == [bot.pk]


def test_page_asks_for_the_same_person_once(prompt):
    bot = make_bot()
    for _ in range(2):
        lookup.want([(bot.pk, "ou_1"), (bot.pk, "")])
    assert prompt == [("bots.note_people", [(str(bot.pk), "ou_1")])]


def test_ids_that_no_column_takes_and_bots_that_are_gone_are_left_out():
    bot = make_bot()
    gone = make_bot()
    gone_pk = gone.pk
    gone.delete()
    lookup.note([(bot.pk, "x" * 200), (gone_pk, "ou_1"), (bot.pk, "ou_2")])
    assert list(Person.objects.values_list("open_id", flat=True)) == ["ou_2"]
