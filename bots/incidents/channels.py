"""The ways to an operator: e-mail by Django's backend, and a message by a bot that is well."""

import hashlib
from collections.abc import Iterator
from smtplib import SMTPException
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext, ngettext

from bots.enums import IncidentCause, Transport
from bots.errors import NotTold
from bots.incidents.words import cause_and_cure, headline, in_sentences
from bots.models import Bot, ConnectionSlot, Incident, Notice
from core.access.models import User
from core.vault.keyring import SealedValueError
from feishu.errors import FeishuError
from feishu.openapi import OpenAPI, ReceiveIdType

MESSENGERS: Final = 3
"""Bots that are tried, one after the other, to deliver one message."""
_PREFIXES: Final[dict[str, ReceiveIdType]] = {"on_": "union_id", "ou_": "open_id", "oc_": "chat_id"}


def send_email(user: User, notices: list[Notice]) -> None:
    """Raises NotTold."""
    subject, body = _words(user, notices)
    message = EmailMessage(subject, body, settings.DEFAULT_FROM_EMAIL, [user.email])
    try:
        message.send()
    except (SMTPException, OSError, ValueError) as error:
        raise NotTold(f"{type(error).__name__}: {error}") from error


def send_feishu(user: User, notices: list[Notice]) -> None:
    """Raises NotTold when no bot of the operator's gets the message through."""
    subject, body = _words(user, notices)
    failure = "no healthy bot to send it with"
    for bot in _messengers(user):
        try:
            OpenAPI(bot.credentials).send_text(
                user.feishu_address,
                f"{subject}\n\n{body}",
                receive_id_type=receive_id_type(user.feishu_address),
                uuid=_key(notices),
            )
        except (FeishuError, SealedValueError) as error:
            failure = f"{bot.app_id}: {error}"
        else:
            return
    raise NotTold(failure)


def receive_id_type(address: str) -> ReceiveIdType:
    """What kind of address it is, by its look (Feishu documentation, "Send message", receive_id_type)."""
    if "@" in address:
        return "email"
    return _PREFIXES.get(address[:3], "user_id")


def _messengers(user: User) -> Iterator[Bot]:
    """Bots that hear, or need not, of those the operator may see: nobody else's bot speaks of this one's troubles."""
    hearing = ConnectionSlot.objects.hearing().filter(bot=OuterRef("pk"))
    ailing = Incident.objects.open().filter(bot=OuterRef("pk")).exclude(cause=IncidentCause.FOREIGN)
    well = Bot.objects.visible_to(user).enabled().exclude(Exists(ailing))
    able = well.filter(Exists(hearing)) | well.filter(transport=Transport.WEBHOOK)
    yield from able.distinct().order_by("name", "app_id")[:MESSENGERS]


def _key(notices: list[Notice]) -> str:
    """Under the same key the platform sends once in an hour, should a worker die between sending and noting it."""
    stages = ",".join(f"{notice.pk}:{notice.began_told_at is None}" for notice in notices)
    return hashlib.sha256(stages.encode()).hexdigest()[:50]


def _words(user: User, notices: list[Notice]) -> tuple[str, str]:
    """Subject and text, in the operator's language."""
    with translation.override(user.language or settings.LANGUAGE_CODE):
        parts = [_told(notice) for notice in notices]
        troubled = sum(notice.began_told_at is None for notice in notices)
        return _subject(notices, troubled), "\n\n".join(parts)


def _subject(notices: list[Notice], troubled: int) -> str:
    if len(notices) == 1:
        return headline(notices[0].incident) if troubled else _well(notices[0].incident)
    if troubled:
        words = ngettext("%(count)d incident needs you", "%(count)d incidents need you", troubled)
        return words % {"count": troubled}
    return gettext("All well again")


def _told(notice: Notice) -> str:
    incident = notice.incident
    if notice.began_told_at is not None:
        return f"{_well(incident)}\n{_link(incident)}".strip()
    cause, cure = cause_and_cure(incident)
    app_id = incident.bot.app_id if incident.bot else ""
    facts = " · ".join(str(fact) for fact in (app_id, incident.code) if fact)
    parts = (headline(incident), facts, in_sentences(cause), in_sentences(cure), _link(incident))
    return "\n".join(part for part in parts if part)


def _well(incident: Incident) -> str:
    return gettext("%(bot)s is well again") % {"bot": incident.about}


def _link(incident: Incident) -> str:
    if not settings.PUBLIC_URL:
        return ""
    page = (
        reverse("admin:bots_bot_change", args=[incident.bot_id])
        if incident.bot_id
        else reverse("admin:bots_incident_change", args=[incident.pk])
    )
    return settings.PUBLIC_URL + page
