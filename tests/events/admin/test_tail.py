"""Live events come once each, and with their newest status."""

from django.test import Client

from bots.people.directory import remember
from core.access.models import User
from core.console.live.viewers import Viewer
from events.admin.tail import EventTail
from events.enums import EventStatus
from events.models import Event
from feishu.people import Profile
from tests.console.rows import Rows, make_event, text_of
from tests.events.admin.pages import TAIL, TAIL_POLL, polled
from tests.factories import make_bot


def test_the_tail_begins_with_the_newest_and_goes_on_by_key(rows: Rows, as_owner: Client) -> None:
    [first] = polled(as_owner, None)
    assert [row["pk"] for row in first["rows"]] == [rows.event.pk]
    event = make_event(rows.bot, EventStatus.RECEIVED)
    [second] = polled(as_owner, first["cursor"])
    assert event.pk in [row["pk"] for row in second["rows"]]
    assert second["cursor"] == event.pk
    assert as_owner.post(TAIL_POLL, {"cursor": "x"}, content_type="application/json").status_code == 400


def test_the_tail_can_be_narrowed(rows: Rows, as_owner: Client) -> None:
    make_event(rows.bot, EventStatus.DONE)
    [found] = polled(as_owner, None, status__exact="done", event_type__exact="im.message.receive_v1")
    assert [row["status"] for row in found["rows"]] == ["done"]
    assert polled(as_owner, None, bot__id__exact="x") == []
    assert 'value="done" selected' in text_of(as_owner.get(TAIL, {"status__exact": "done"}))


def test_a_feed_tells_what_is_new_and_what_has_changed_and_nothing_twice(rows: Rows, owner: User) -> None:
    feed, viewer = EventTail(), Viewer(owner, "en")
    feed.start({"cursor": None, "filters": {}})

    def heard() -> list[tuple[int, str]]:
        messages = feed.read(viewer, feed.everything())
        return [(row["pk"], row["status"]) for message in messages for row in message["rows"]]

    assert heard() == [(rows.event.pk, "dead")]
    assert heard() == []
    event = make_event(rows.bot, EventStatus.RECEIVED)
    assert heard() == [(event.pk, "received")]
    Event.objects.filter(pk=event.pk).update(status=EventStatus.DONE)
    assert heard() == [(event.pk, "done")]


def test_row_of_the_tail_reads_like_one_of_the_list(rows: Rows, as_owner: Client) -> None:
    remember(rows.bot, [Profile(open_id="ou_asked", name="王芳")])
    [first] = polled(as_owner, None)
    [row] = first["rows"]
    assert (row["type"], row["said"]) == ("Message received", "王芳: /auth")
    assert (row["person"]["open_id"], row["person"]["initials"]) == ("ou_asked", "芳")


def test_a_full_message_is_followed_by_the_next(rows: Rows, owner: User, monkeypatch) -> None:
    monkeypatch.setattr("events.admin.tail.MAX_EVENTS", 2)
    monkeypatch.setattr("events.admin.tail.OVERLAP", 0)
    events = [make_event(rows.bot).pk for _ in range(5)]
    feed, found = EventTail(), []
    feed.start({"cursor": rows.event.pk, "filters": {}})
    for _ in range(4):
        for message in feed.read(Viewer(owner, "en"), feed.everything()):
            found += [row["pk"] for row in message["rows"]]
    assert found == events


def test_cursor_does_not_tell_how_many_events_others_have(rows: Rows, as_owner: Client) -> None:
    stranger = make_bot()
    for _ in range(3):
        make_event(stranger)
    [first] = polled(as_owner, None)
    assert first["cursor"] == rows.event.pk
