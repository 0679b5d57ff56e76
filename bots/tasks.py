"""Celery tasks: a few lines each, primitives only."""

from contextlib import suppress
from uuid import UUID

from celery import shared_task

from bots.connections import platform_count
from bots.doctor import records, schedule
from bots.identity import learn_open_id
from bots.incidents import detection, notices
from bots.incidents.card_sync import CARDS
from bots.mailings import walk
from bots.people import lookup, pictures
from bots.registration import flow
from bots.removal import is_any_deleted, remove_deleted_bots
from bots.retention import overdue
from bots.sending.batches import BATCHES
from bots.streaming import closing
from bots.webhook.rotation import settle_rotations
from core.background.notify import notify
from core.database import retention
from core.vault.keyring import SealedValueError
from feishu.errors import FeishuError


@shared_task(name="bots.prune")
def prune() -> None:
    retention.prune(overdue())


@shared_task(name="bots.remove_deleted")
def remove_deleted() -> None:
    remove_deleted_bots()


@shared_task(name="bots.sweep")
def sweep() -> None:
    """What no request asks for: rotations of secrets, counts of the platform and examinations that are due, registrations of
    apps whose page is closed, people to look up and their pictures, replies that were left open, incidents, notices of them and
    their cards, and deleted bots that are not gone yet."""
    for task, due_bots in (
        ("bots.check_platform_count", platform_count.due_bots),
        ("bots.examine", schedule.due_bots),
        ("bots.look_up_people", lookup.due_bots),
        ("bots.fetch_pictures", pictures.due_bots),
    ):
        for bot_id in due_bots():
            notify(task, str(bot_id))
    for bot_id in schedule.due_for_observation():
        records.observe(bot_id)
    for registration_id in flow.due():
        notify("bots.poll_registration", str(registration_id))
    if closing.is_any_left():
        notify("bots.close_streams")
    for batch_id in walk.due(BATCHES):
        notify(BATCHES.task, str(batch_id))
    settle_rotations()
    detection.detect()
    for card_pk in CARDS.due():
        notify("bots.sync_notice_card", card_pk)
    for user_id, channel in notices.due_people():
        notify("bots.send_notices", user_id, channel)
    if is_any_deleted():
        notify("bots.remove_deleted")


@shared_task(name="bots.check_platform_count")
def check_platform_count(bot_id: str) -> None:
    platform_count.check(UUID(bot_id))
    learn_open_id(UUID(bot_id))


@shared_task(name="bots.examine")
def examine(bot_id: str) -> None:
    records.examine_due(UUID(bot_id))


@shared_task(name="bots.poll_registration")
def poll_registration(registration_id: str) -> None:
    flow.poll(UUID(registration_id))


@shared_task(name="bots.advance_batch")
def advance_batch(batch_id: str) -> None:
    walk.advance(BATCHES, UUID(batch_id))


@shared_task(name="bots.send_notices")
def send_notices(user_id: int, channel: str) -> None:
    notices.send_due(user_id, channel)


@shared_task(name="bots.sync_notice_card")
def sync_notice_card(card_pk: int) -> None:
    with suppress(FeishuError, SealedValueError):  # noted at the card, which the sweep finds again
        CARDS.sync(card_pk)


@shared_task(name="bots.note_people")
def note_people(people: list[tuple[str, str]]) -> None:
    lookup.note((UUID(bot_id), open_id) for bot_id, open_id in people)


@shared_task(name="bots.look_up_people")
def look_up_people(bot_id: str) -> None:
    lookup.look_up(UUID(bot_id))


@shared_task(name="bots.fetch_pictures")
def fetch_pictures(bot_id: str) -> None:
    pictures.fetch(UUID(bot_id))


@shared_task(name="bots.close_streams")
def close_streams() -> None:
    closing.close_left()
