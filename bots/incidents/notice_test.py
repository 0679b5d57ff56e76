"""A test notice to one operator, on every channel they have, and what the mail server or the platform answered, in words."""

import uuid
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from bots.enums import Channel
from bots.errors import NoticeNotSent
from bots.incidents.channels import deliver_email, deliver_feishu
from bots.incidents.failures import MAIL_NOT_SET_UP, in_words
from core.access import notice_test
from core.access.models import User
from core.access.notice_test import ChannelResult
from core.database.text import storable

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
        return ChannelResult(channel.label, address, is_sent=False, answer=_explained(error))
    return ChannelResult(channel.label, address, is_sent=True, answer=gettext("taken for delivery"))


def _send_email(user: User, subject: str, body: str) -> None:
    if not settings.EMAIL_IS_SET_UP:
        raise NoticeNotSent(MAIL_NOT_SET_UP)
    deliver_email(user, subject, body)


def _send_feishu(user: User, subject: str, body: str) -> None:
    deliver_feishu(user, subject, body, key=uuid.uuid4().hex)


def _explained(error: NoticeNotSent) -> str:
    """Why a notice was not sent, and what the other side answered, in the active language."""
    words, answer = in_words(str(error), is_retried=False)
    return f"{words} ({storable(answer, MAX_ANSWER)})" if answer else words


notice_test.register(send_test)
