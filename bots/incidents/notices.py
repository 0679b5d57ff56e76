"""Sending people notices of incidents: to whom, how, when, and each once.

Rows are the outbox. Whoever claims a row sends it; what is due for one person on one channel goes into one message,
and a person is written to no more often than every five minutes, however many incidents there are. A process without
EMAIL_URL claims no e-mail: it stays due for one that has it.
"""

import logging
from collections.abc import Callable, Collection, Iterable
from datetime import timedelta
from typing import Final, TypeAlias

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext

from bots.enums import Channel
from bots.errors import NoticeNotSent
from bots.incidents.channels import send_email, send_feishu
from bots.incidents.shown import cards_follow
from bots.incidents.silences import due_from
from bots.models import Incident, Notice, NoticeCard
from core.access.models import User
from core.access.roles import Role
from core.background.retry import RetrySchedule
from core.database.text import storable

logger = logging.getLogger(__name__)

GAP: Final = timedelta(minutes=5)
"""Between two messages to one person on one channel."""
RETRIES: Final = RetrySchedule((60, 300, 1800, 7200))
CLAIM: Final = timedelta(minutes=5)
"""Longer than any sending takes; after that the sender is taken for dead."""
MAX_IN_MESSAGE: Final = 50
"""Incidents in one message; more wait for the next."""

Send: TypeAlias = Callable[[User, list[Notice]], None]
_SENDERS: Final[dict[str, Send]] = {Channel.EMAIL: send_email, Channel.FEISHU: send_feishu}


def address_notices(incident: Incident) -> None:
    """The incident began: notify those whom it concerns, on every channel they have. A silence puts that off."""
    due_at = due_from(incident)
    Notice.objects.bulk_create(
        [
            Notice(incident=incident, user=user, channel=channel, due_at=due_at)
            for user in concerned_by(incident)
            for channel in channels_of(user)
        ]
    )


def concerned_by(incident: Incident) -> list[User]:
    """The owners, and the administrators where none of the owners may do anything about it."""
    active = User.objects.filter(is_active=True)
    owned = active.filter(bots=incident.bot) if incident.bot else active.filter(pk__in=[incident.owner_id])
    owners = list(owned)
    if any(owner.may_manage for owner in owners):
        return owners
    return [*owners, *active.filter(role=Role.ADMINISTRATOR).exclude(pk__in=[owner.pk for owner in owners])]


def why_nobody_was_told(incident: Incident) -> str:
    """Why there is no notice of the incident, or none that this process could send; empty where there is one."""
    notices = incident.notices.all()
    if not _is_sent_here(Channel.EMAIL):
        notices = notices.exclude(channel=Channel.EMAIL, problem_sent_at=None)
    if notices.exists():
        return ""
    people = concerned_by(incident)
    if not people:
        return gettext("The portal has no operator who may sign in.")
    names = {"names": ", ".join(user.get_username() for user in people)}
    if any(_is_sent_here(channel) for user in people for channel in channels_of(user)):
        return gettext("When it began, none of these could be reached: %(names)s.") % names
    if any(user.email for user in people):
        return (
            gettext("EMAIL_URL is not set, and a Feishu account is set for none of these: %(names)s.") % names
        )
    return gettext("Neither an e-mail address nor a Feishu account is set for %(names)s.") % names


def follow_up_notices(incident: Incident) -> None:
    """The incident is over: who was notified of it is notified of that, and nobody else. A card shows it by itself."""
    notices = incident.notices.all()
    notices.filter(problem_sent_at=None).update(due_at=None)
    by_card = incident.notices.filter(card__bot__enabled=True, card__bot__deleted_at=None)
    by_message = notices.exclude(problem_sent_at=None).exclude(pk__in=by_card.values("pk"))
    Notice.objects.filter(pk__in=[*by_message.values_list("pk", flat=True)]).update(
        due_at=timezone.now(), attempts=0, error=""
    )
    cards_follow([incident])


def drop_notices(incident: Incident) -> None:
    """The subject was switched off: there is nothing more to send."""
    incident.notices.update(due_at=None)
    cards_follow([incident])


def drop_all_notices() -> int:
    """Send nothing that is due now, and patch no card: the original of this database may have done so. Returns how many
    notices."""
    NoticeCard.objects.card_out_of_date().update(card_shows=F("version"))
    return Notice.objects.filter(due_at__isnull=False).update(due_at=None)


def due_people(*, causes: Collection[str] | None = None) -> list[tuple[int, str]]:
    """Ids of operators whom this process can write to now, and on which channel; of incidents of these ``causes``, by name, or of
    any."""
    due = Notice.objects.filter(due_at__lte=timezone.now()).order_by()
    if not _is_sent_here(Channel.EMAIL):
        due = due.exclude(channel=Channel.EMAIL)
    if causes is not None:
        due = due.filter(incident__cause__in=causes)
    return [
        (user_id, channel)
        for user_id, channel in due.values_list("user", "channel").distinct()
        if not _was_notified_lately(user_id, channel)
    ]


def send_due(user_id: int, channel: str) -> None:
    """Write one message about everything that is due for this person on this channel, where this process can."""
    if not _is_sent_here(channel) or _was_notified_lately(user_id, channel):
        return
    due = Notice.objects.filter(user=user_id, channel=channel, due_at__lte=timezone.now())
    claimed = _claim(
        due.select_related("incident__bot", "incident__assignee").order_by("pk")[:MAX_IN_MESSAGE]
    )
    if not claimed:
        return
    user = User.objects.get(pk=user_id)
    try:
        _SENDERS[channel](user, claimed)
    except NoticeNotSent as error:
        logger.warning("notice_not_sent", extra={"channel": channel, "user": user_id, "error": str(error)})
        _postpone(claimed, str(error))
    else:
        incidents = [notice.incident_id for notice in claimed]
        logger.info("notice_sent", extra={"channel": channel, "user": user_id, "incidents": incidents})
        _note_sent(claimed)


def _claim(due: Iterable[Notice]) -> list[Notice]:
    until = timezone.now() + CLAIM
    claimed = []
    for notice in due:
        rows = Notice.objects.filter(pk=notice.pk, due_at=notice.due_at)
        if rows.update(due_at=until, attempts=F("attempts") + 1):
            notice.attempts += 1
            claimed.append(notice)
    return claimed


def _note_sent(notices: list[Notice]) -> None:
    now = timezone.now()
    for notice in notices:
        column = "problem_sent_at" if notice.problem_sent_at is None else "recovery_sent_at"
        # Of an incident that was closed while its beginning was being sent, the end is still to be sent.
        is_over = Incident.objects.filter(pk=notice.incident_id, closed_at__isnull=False)
        is_to_follow = notice.problem_sent_at is None and notice.card_id is None
        due_at = now if is_to_follow and is_over.exists() else None
        Notice.objects.filter(pk=notice.pk).update(**{column: now}, due_at=due_at, attempts=0, error="")


def _postpone(notices: list[Notice], error: str) -> None:
    now = timezone.now()
    for notice in notices:
        is_last = RETRIES.is_exhausted(notice.attempts)
        due_at = None if is_last else now + RETRIES.pause_after(notice.attempts)
        Notice.objects.filter(pk=notice.pk).update(due_at=due_at, error=storable(error, 500))


def _was_notified_lately(user_id: int, channel: str) -> bool:
    lately = Q(problem_sent_at__gt=timezone.now() - GAP) | Q(recovery_sent_at__gt=timezone.now() - GAP)
    return Notice.objects.filter(lately, user=user_id, channel=channel).exists()


def channels_of(user: User) -> list[Channel]:
    """The ways on which the operator can be reached."""
    addresses = {Channel.EMAIL: user.email, Channel.FEISHU: user.feishu_address}
    return [channel for channel, address in addresses.items() if address]


def _is_sent_here(channel: str) -> bool:
    """Whether this process can send on the channel: Django's stand-in for a mail server takes everything and sends nothing."""
    return channel != Channel.EMAIL or settings.EMAIL_IS_SET_UP
