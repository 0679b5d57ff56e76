"""A test notice to one operator, on every channel they have, and what the mail server or the platform answered, in words."""

import uuid
from collections.abc import Callable
from smtplib import SMTPAuthenticationError, SMTPRecipientsRefused, SMTPResponseException, SMTPSenderRefused
from typing import Final

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from bots.enums import Channel
from bots.errors import NoticeNotSent
from bots.incidents.channels import NO_BOT, deliver_email, deliver_feishu
from core.access import notice_test
from core.access.models import User
from core.access.notice_test import ChannelResult
from core.console.sentences import cause_and_cure
from core.database.text import storable
from feishu.codes import explain
from feishu.errors import FeishuError

MAX_ANSWER: Final = 300
"""Characters of an answer that are shown."""


def send_test(user: User) -> list[ChannelResult]:
    """Try the operator's channels one after the other; the transports bound the time."""
    ways: list[tuple[Channel, str, Callable[[User, str, str], None]]] = [
        (Channel.EMAIL, user.email, _send_email),
        (Channel.FEISHU, user.feishu_address, _send_feishu),
    ]
    return [_result(user, channel, address, send) for channel, address, send in ways if address]


def _result(
    user: User, channel: Channel, address: str, send: Callable[[User, str, str], None]
) -> ChannelResult:
    with translation.override(user.language or settings.LANGUAGE_CODE):
        subject = gettext("Test notice")
        body = gettext(
            "A test from Feishu Portal: notices about bots that need a person will reach you here."
        )
    try:
        send(user, subject, body)
    except NoticeNotSent as error:
        return ChannelResult(channel.label, address, is_sent=False, answer=explained(error))
    return ChannelResult(channel.label, address, is_sent=True, answer=gettext("taken for delivery"))


def _send_email(user: User, subject: str, body: str) -> None:
    if not settings.EMAIL_IS_SET_UP:
        raise NoticeNotSent(
            gettext("EMAIL_URL is not set for the process that serves this page. Every process needs it.")
        )
    deliver_email(user, subject, body)


def _send_feishu(user: User, subject: str, body: str) -> None:
    deliver_feishu(user, subject, body, key=uuid.uuid4().hex)


def explained(error: NoticeNotSent) -> str:
    """Why a notice was not sent, and what the other side answered, in the active language."""
    cause = error.__cause__
    if isinstance(cause, FeishuError):
        words = cause_and_cure(explain(cause.code)) if cause.code is not None else ""
        return " ".join(part for part in (words, f"({storable(str(cause), MAX_ANSWER)})") if part)
    if isinstance(cause, SMTPAuthenticationError):
        words = gettext("The mail server refused the name or the password in EMAIL_URL.")
    elif isinstance(cause, SMTPRecipientsRefused):
        words = gettext("The mail server takes no mail for this address.")
    elif isinstance(cause, SMTPSenderRefused):
        words = gettext("The mail server takes no mail from the address in DEFAULT_FROM_EMAIL.")
    elif isinstance(cause, SMTPResponseException):
        words = gettext("The mail server refused the mail.")
    elif isinstance(cause, TimeoutError):
        words = gettext("The mail server did not answer in time.")
    elif isinstance(cause, OSError):
        words = gettext("The mail server cannot be reached.")
    else:
        return gettext(NO_BOT) if str(error) == NO_BOT else storable(str(error), MAX_ANSWER)
    return f"{words} ({storable(str(cause), MAX_ANSWER)})"


notice_test.register(send_test)
