"""The ways to an operator: e-mail by Django's backend, and a message by a bot that has no problem."""

import hashlib
from smtplib import SMTPException
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext, ngettext

from bots.connections.processes import peers
from bots.connections.status import connected_bots
from bots.enums import Transport
from bots.errors import NoticeNotSent
from bots.incidents.causes import registered_causes
from bots.incidents.failures import NO_BOT, of_mail, of_message
from bots.models import Bot, Incident, Notice
from bots.models.processes import SILENT_AFTER
from core.access.models import User
from core.console.sentences import in_language, in_sentences
from core.database.connections import give_back
from core.vault.keyring import SealedValueError
from feishu.cards import literal
from feishu.errors import FeishuError
from feishu.openapi import OpenAPI, receive_id_type

MESSENGERS: Final = 3
"""Bots that are tried, one after the other, to deliver one message."""


def send_email(user: User, notices: list[Notice]) -> None:
    """Raises NoticeNotSent."""
    deliver_email(user, *_words(user, notices))


def deliver_email(user: User, subject: str, body: str) -> None:
    """Raises NoticeNotSent."""
    message = EmailMessage(subject, body, settings.DEFAULT_FROM_EMAIL, [user.email])
    give_back(before_waiting=True)
    try:
        message.send()
    except (SMTPException, OSError, ValueError) as error:
        raise of_mail(error) from error


def send_feishu(user: User, notices: list[Notice]) -> None:
    """Raises NoticeNotSent when no bot of the operator's gets the message through."""
    deliver_feishu(user, *_words(user, notices), key=_key(notices))


def deliver_feishu(user: User, subject: str, body: str, *, key: str) -> None:
    """Raises NoticeNotSent, with the platform's answer to the last bot. Under the same ``key`` the platform sends
    once in an hour."""
    failure = NoticeNotSent(NO_BOT)
    for bot in _messengers(user):
        give_back(before_waiting=True)
        try:
            OpenAPI(bot.credentials).send_text(
                user.feishu_address,
                literal(f"{subject}\n\n{body}"),
                receive_id_type=receive_id_type(user.feishu_address),
                uuid=key,
            )
        except (FeishuError, SealedValueError) as error:
            failure = of_message(error, app_id=bot.app_id)
        else:
            return
    raise failure


def _messengers(user: User) -> list[Bot]:
    """Bots that can send, of those the operator may see: nobody else's bot reports this one's problems."""
    lesser = [cause.name for cause in registered_causes() if not cause.is_severe]
    troubled = Incident.objects.open().filter(bot=OuterRef("pk")).exclude(cause__in=lesser)
    healthy = Bot.objects.visible_to(user).enabled().exclude(Exists(troubled))
    can_send = Q(pk__in=connected_bots().values("pk")) | ~Q(
        pk__in=Bot.objects.by(Transport.WEBSOCKET).values("pk")
    )
    # Where nobody holds connections, none of a bot says nothing about what the bot can send.
    if peers(seconds=SILENT_AFTER):
        healthy = healthy.filter(can_send)
    return list(healthy.order_by("name", "app_id")[:MESSENGERS])


def _key(notices: list[Notice]) -> str:
    """Under the same key the platform sends once in an hour, should a worker die between sending and noting it."""
    stages = ",".join(f"{notice.pk}:{notice.problem_sent_at is None}" for notice in notices)
    return hashlib.sha256(stages.encode()).hexdigest()[:50]


def _words(user: User, notices: list[Notice]) -> tuple[str, str]:
    """Subject and text, in the operator's language."""
    with translation.override(user.language or settings.LANGUAGE_CODE):
        problems = sum(notice.problem_sent_at is None for notice in notices)
        if len(notices) == 1:
            incident = notices[0].incident
            subject = incident.headline if problems else _recovered(incident)
        elif problems:
            words = ngettext("%(count)d incident needs you", "%(count)d incidents need you", problems)
            subject = words % {"count": problems}
        else:
            subject = gettext("All recovered")
        return subject, "\n\n".join(_paragraph(notice) for notice in notices)


def _paragraph(notice: Notice) -> str:
    incident = notice.incident
    if notice.problem_sent_at is not None:
        return f"{_recovered(incident)}\n{_link(incident)}".strip()
    info = incident.explanation
    app_id = incident.bot.app_id if incident.bot else ""
    facts = " · ".join(str(fact) for fact in (app_id, incident.code) if fact)
    cause, cure = in_sentences(in_language(info.cause)), in_sentences(in_language(info.cure))
    return "\n".join(part for part in (incident.headline, facts, cause, cure, _link(incident)) if part)


def _recovered(incident: Incident) -> str:
    return gettext("%(subject)s has recovered") % {"subject": incident.affected_name}


def _link(incident: Incident) -> str:
    if not settings.PUBLIC_URL:
        return ""
    page = (
        reverse("admin:bots_bot_change", args=[incident.bot_id])
        if incident.bot_id
        else reverse("admin:bots_incident_change", args=[incident.pk])
    )
    return settings.PUBLIC_URL + page
