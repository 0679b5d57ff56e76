"""Telling people of incidents: whom, how, when, and each thing once.

Rows are the outbox. Whoever claims a row sends it; what is due for one person on one channel goes into one message,
and a person is written to no more often than every five minutes, however many bots are in trouble.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Final, TypeAlias

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from bots.enums import Channel
from bots.errors import NotTold
from bots.incidents.channels import send_email, send_feishu
from bots.models import Incident, Notice
from core.access.models import User
from core.database.text import storable

logger = logging.getLogger("bots.notices")

GAP: Final = timedelta(minutes=5)
"""Between two messages to one person on one channel."""
WAITS: Final = (60, 300, 1800, 7200)
"""Seconds before trying again."""
CLAIM: Final = timedelta(minutes=5)
"""Longer than any sending takes; after that the sender is taken for dead."""
AT_ONCE: Final = 50
"""Incidents in one message; more wait for the next."""

Send: TypeAlias = Callable[[User, list[Notice]], None]
_SENDERS: Final[dict[str, Send]] = {Channel.EMAIL: send_email, Channel.FEISHU: send_feishu}


def address_notices(incident: Incident) -> None:
    """The incident began: owners are to be told, or superusers where there are none; each on every channel they have."""
    now = timezone.now()
    Notice.objects.bulk_create(
        [
            Notice(incident=incident, user=user, channel=channel, due_at=now)
            for user in _people(incident)
            for channel in _channels(user)
        ]
    )


def follow_up_notices(incident: Incident) -> None:
    """The incident is over: who was told of it is to be told of that, and who was not is left in peace."""
    notices = incident.notices.all()
    notices.filter(began_told_at=None).update(due_at=None)
    notices.exclude(began_told_at=None).update(due_at=timezone.now(), tries=0, error="")


def drop_notices(incident: Incident) -> None:
    """The bot was switched off: there is nothing more to tell."""
    incident.notices.update(due_at=None)


def due_people() -> list[tuple[int, str]]:
    """Who is to be written to now, and on which channel."""
    due = Notice.objects.filter(due_at__lte=timezone.now()).order_by()
    return [
        (user_id, channel)
        for user_id, channel in due.values_list("user", "channel").distinct()
        if not _told_lately(user_id, channel)
    ]


def tell(user_id: int, channel: str) -> None:
    """Write one message about everything that is due for this person on this channel."""
    if _told_lately(user_id, channel):
        return
    due = Notice.objects.filter(user=user_id, channel=channel, due_at__lte=timezone.now())
    claimed = _claimed(due.select_related("incident__bot").order_by("pk")[:AT_ONCE])
    if not claimed:
        return
    try:
        _SENDERS[channel](User.objects.get(pk=user_id), claimed)
    except NotTold as error:
        logger.warning("notice_not_sent", extra={"channel": channel, "user": user_id, "error": str(error)})
        _put_off(claimed, str(error))
    else:
        _note_told(claimed)


def _claimed(due: Iterable[Notice]) -> list[Notice]:
    until = timezone.now() + CLAIM
    return [
        notice
        for notice in due
        if Notice.objects.filter(pk=notice.pk, due_at=notice.due_at).update(
            due_at=until, tries=F("tries") + 1
        )
    ]


def _note_told(notices: list[Notice]) -> None:
    now = timezone.now()
    for notice in notices:
        told = {"began_told_at": now} if notice.began_told_at is None else {"over_told_at": now}
        # One that was closed while its beginning was told has its end still to be told.
        over = notice.began_told_at is None and _is_over(notice)
        Notice.objects.filter(pk=notice.pk).update(**told, due_at=now if over else None, tries=0, error="")


def _is_over(notice: Notice) -> bool:
    return Incident.objects.filter(pk=notice.incident_id, closed_at__isnull=False).exists()


def _put_off(notices: list[Notice], error: str) -> None:
    for notice in notices:
        wait = WAITS[notice.tries] if notice.tries < len(WAITS) else None
        due_at = timezone.now() + timedelta(seconds=wait) if wait is not None else None
        Notice.objects.filter(pk=notice.pk).update(due_at=due_at, error=storable(error, 500))


def _told_lately(user_id: int, channel: str) -> bool:
    lately = timezone.now() - GAP
    return (
        Notice.objects.filter(user=user_id, channel=channel)
        .filter(Q(began_told_at__gt=lately) | Q(over_told_at__gt=lately))
        .exists()
    )


def _people(incident: Incident) -> QuerySet[User]:
    active = User.objects.filter(is_active=True)
    owners = active.filter(bots=incident.bot) if incident.bot else active.filter(pk__in=[incident.owner_id])
    return owners if owners.exists() else active.filter(is_superuser=True)


def _channels(user: User) -> list[Channel]:
    reached = {
        Channel.EMAIL: bool(user.email and settings.EMAIL_IS_SET_UP),
        Channel.FEISHU: bool(user.feishu_address),
    }
    return [channel for channel, is_reached in reached.items() if is_reached]
