"""The ways to an operator: e-mail by Django's backend, and a card by a bot that has no problem, or a text where the platform
takes no card."""

import hashlib
import logging
from dataclasses import dataclass
from smtplib import SMTPException
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Case, Exists, OuterRef, Q, Value, When
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext, ngettext

from bots.connections.processes import peers
from bots.connections.status import connected_bots
from bots.enums import Transport
from bots.errors import NoticeNotSent
from bots.incidents.cards import incidents_on, notice_card
from bots.incidents.causes import registered_causes
from bots.incidents.failures import NO_BOT, of_mail, of_message
from bots.incidents.shown import cards_follow
from bots.models import Bot, Incident, Notice, NoticeCard
from bots.models.processes import SILENT_AFTER
from core.access.models import User
from core.console.sentences import in_language, in_sentences
from core.database.connections import give_back
from core.database.text import storable
from core.vault.keyring import SealedValueError
from feishu.cards import Json, literal
from feishu.errors import APIError, FeishuError
from feishu.openapi import OpenAPI, receive_id_type

logger = logging.getLogger(__name__)

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
    """As a card, which then follows the incidents; that incidents are over and nothing else, as text. Raises NoticeNotSent when
    no bot of the operator's gets the message through."""
    incidents = sorted((notice.incident for notice in notices), key=lambda incident: incident.pk)
    is_news = any(notice.problem_sent_at is None for notice in notices)
    card = notice_card(incidents) if is_news else None
    sent = deliver_feishu(user, *_words(user, notices), key=_key(notices), card=card)
    if sent.is_card:
        _keep(sent, card, notices)


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message that was sent, and by which bot. ``is_card``: False where the platform took the text alone."""

    bot: Bot
    message_id: str
    is_card: bool = False


def deliver_feishu(user: User, subject: str, body: str, *, key: str, card: Json | None = None) -> Delivered:
    """The ``card``, or else the text. Raises NoticeNotSent, with the platform's answer to the last bot. Under the same ``key``
    the platform sends once in an hour."""
    failure = NoticeNotSent(NO_BOT)
    address = user.feishu_address
    for bot in _messengers(user):
        give_back(before_waiting=True)
        api = OpenAPI(bot.credentials)
        try:
            if card is not None and (message_id := _send_card(api, address, card, key=key)):
                return Delivered(bot, message_id, is_card=True)
            sent = api.send_text(
                address,
                literal(f"{subject}\n\n{body}"),
                receive_id_type=receive_id_type(address),
                uuid=key,
            )
        except (FeishuError, SealedValueError) as error:
            failure = of_message(error, app_id=bot.app_id)
        else:
            return Delivered(bot, sent.message_id)
    raise failure


def _send_card(api: OpenAPI, address: str, card: Json, *, key: str) -> str:
    """The message; empty where the platform refuses the card. Raises FeishuError where trying again may help."""
    try:
        kind = receive_id_type(address)
        return api.send_card(address, card, receive_id_type=kind, uuid=key).message_id
    except APIError as error:
        if error.retryable:
            raise
        logger.info("notice_card_refused", extra={"platform_code": error.code})
        return ""


@transaction.atomic
def _keep(sent: Delivered, card: Json | None, notices: list[Notice]) -> None:
    """Have the card follow the incidents. What happened to them while it was sent is shown at once."""
    kept = NoticeCard.objects.create(bot=sent.bot, message_id=storable(sent.message_id, 128), card_shows=1)
    Notice.objects.filter(pk__in=[notice.pk for notice in notices]).update(card=kept)
    for notice in notices:
        notice.card = kept
    incidents = incidents_on(kept)
    if notice_card(incidents) != card:
        cards_follow(incidents)


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
    # Clicks come with the open_id that the bot knows people by: of the bot that signs operators in it is the linked one.
    is_other = Case(When(app_id=settings.SIGN_IN_BOT, then=Value(0)), default=Value(1))
    return list(healthy.order_by(is_other, "name", "app_id")[:MESSENGERS])


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
    taken = gettext("%(name)s takes care of it.") % {"name": incident.assignee} if incident.assignee else ""
    parts = (incident.headline, facts, cause, cure, taken, _link(incident))
    return "\n".join(part for part in parts if part)


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
