from datetime import timedelta

import pytest
from django.utils import timezone

from bots.enums import LossReason, SendingKind
from bots.models import (
    BatchRecipient,
    Bot,
    ConnectionLoss,
    Incident,
    MessageBatch,
    Notice,
    NoticeCard,
    Person,
    ProblemSilence,
    RefusedPush,
    Registration,
    ReplyStream,
    Sending,
)
from bots.retention import overdue
from core.database.batches import Deleted
from core.database.retention import count_overdue, prune
from tests.factories import make_bot, make_operator

pytestmark = pytest.mark.django_db


def add_rows(bot: Bot, *, days: float) -> tuple[ConnectionLoss, Incident, Sending]:
    at = timezone.now() - timedelta(days=days)
    incident = Incident.objects.create(bot=bot, cause="foreign", began_at=at, closed_at=at)
    Notice.objects.create(incident=incident, user=make_operator(), channel="email")
    return (
        ConnectionLoss.objects.create(bot=bot, number=1, at=at, reason=LossReason.NETWORK),
        incident,
        Sending.objects.create(
            bot=bot, at=at, actor="api:crm", kind=SendingKind.MESSAGE, target="ou_1", msg_type="text", fingerprint=""
        ),
    )  # fmt: skip


def test_each_kind_of_row_goes_when_it_has_had_its_time(settings):
    settings.TOKEN_USE_DAYS = 90
    bot = make_bot()
    add_rows(bot, days=181)
    loss, _, _ = add_rows(bot, days=29)
    _, incident, _ = add_rows(bot, days=179)
    _, _, sending = add_rows(bot, days=89)
    now = timezone.now()
    for reason, days in (("bad_signature", 8), ("plain_body", 6)):
        last = now - timedelta(days=days)
        RefusedPush.objects.create(bot=bot, reason=reason, first_at=last, last_at=last)
    for age in (8, 6):
        registration = Registration.objects.create(
            operator=make_operator(), interval=5, next_poll_at=now, expires_at=now
        )
        Registration.objects.filter(pk=registration.pk).update(began_at=now - timedelta(days=age))
    for open_id, age in (("ou_gone", 31), ("ou_seen", 29), ("ou_1", 31)):  # the last one was sent something
        Person.objects.create(bot=bot, open_id=open_id, updated_at=now - timedelta(days=age))
    for age in (31, 29):
        ended = now - timedelta(days=age)
        batch = MessageBatch.objects.create(
            bot=bot, state="done", content={}, created_at=ended, finished_at=ended
        )
        BatchRecipient.objects.create(mailing=batch, bot=bot, kind="open_id", given="ou_1", target="ou_1")
    for age in (91, 89):
        ReplyStream.objects.create(
            bot=bot, at=now - timedelta(days=age), kind=SendingKind.REPLY, target="om_1"
        )
    for age in (31, 29):
        NoticeCard.objects.create(bot=bot, sent_at=now - timedelta(days=age))
    for key, hours in (("over", -1), ("not_yet", 1)):
        ProblemSilence.objects.create(key=key, bot=bot, until=now + timedelta(hours=hours))
    assert {kind: str(count) for kind, count in count_overdue(overdue()).items()} == {
        "lost connections": "3",
        "incidents": "1",
        "notice cards": "1",
        "batches of messages": "1",
        "sent messages": "2",
        "streamed replies": "1",
        "refused webhook requests": "1",
        "registrations of apps": "1",
        "people": "1",
        "silenced problems": "1",
    }
    assert prune(overdue()) == {
        "lost connections": Deleted(3, is_all=True),
        "incidents": Deleted(1, is_all=True),
        "notice cards": Deleted(1, is_all=True),
        "batches of messages": Deleted(1, is_all=True),
        "sent messages": Deleted(2, is_all=True),
        "streamed replies": Deleted(1, is_all=True),
        "refused webhook requests": Deleted(1, is_all=True),
        "registrations of apps": Deleted(1, is_all=True),
        "people": Deleted(1, is_all=True),
        "silenced problems": Deleted(1, is_all=True),
    }
    assert list(ConnectionLoss.objects.all()) == [loss]
    assert incident in Incident.objects.all()
    assert sending in Sending.objects.all()
    assert BatchRecipient.objects.get().mailing == batch
    assert Notice.objects.count() == 3
    assert RefusedPush.objects.get().reason == "plain_body"
    assert Registration.objects.get() == registration
    assert sorted(Person.objects.values_list("open_id", flat=True)) == ["ou_1", "ou_seen"]
    assert ProblemSilence.objects.get().key == "not_yet"
    assert not any(count.count for count in count_overdue(overdue()).values())


def test_open_incidents_stay_however_old_they_are():
    old = timezone.now() - timedelta(days=400)
    Incident.objects.create(bot=make_bot(), cause="not_connected", began_at=old)
    prune(overdue())
    assert Incident.objects.count() == 1
