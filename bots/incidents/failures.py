"""Why a notice did not reach its person: stored by a stable kind with the other side's answer, said in words when it is read.

A kind is one of KINDS, a code of the platform, or the name of a ``Reason``. As text it stands before the answer: ``mail_login:
(535, b'5.7.8 …')``, ``230013: cli_…: Bot has NO availability to this user``.
"""

from smtplib import SMTPAuthenticationError, SMTPRecipientsRefused, SMTPResponseException, SMTPSenderRefused
from typing import Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bots.errors import NoticeNotSent
from core.console.sentences import cause_and_cure
from core.vault.keyring import SealedValueError
from feishu.codes import explain
from feishu.errors import FeishuError
from feishu.reasons import Reason

NO_BOT: Final = "no_bot"
MAIL_NOT_SET_UP: Final = "mail_not_set_up"
KINDS: Final = {
    NO_BOT: _("no healthy bot to send it with"),
    MAIL_NOT_SET_UP: _("EMAIL_URL is not set for the process that serves this page. Every process needs it."),
    "mail_login": _("The mail server refused the name or the password in EMAIL_URL."),
    "mail_recipient": _("The mail server takes no mail for this address."),
    "mail_sender": _("The mail server takes no mail from the address in DEFAULT_FROM_EMAIL."),
    "mail_refused": _("The mail server refused the mail."),
    "mail_timeout": _("The mail server did not answer in time."),
    "mail_unreachable": _("The mail server cannot be reached."),
    "mail_invalid": _("The mail could not be composed: one of its addresses is not valid."),
}
# The first that fits: the particular ones stand before those they are kinds of.
_MAIL: Final[tuple[tuple[type[Exception], str], ...]] = (
    (SMTPAuthenticationError, "mail_login"),
    (SMTPRecipientsRefused, "mail_recipient"),
    (SMTPSenderRefused, "mail_sender"),
    (SMTPResponseException, "mail_refused"),
    (TimeoutError, "mail_timeout"),
    (OSError, "mail_unreachable"),
    (ValueError, "mail_invalid"),
)


def of_mail(error: Exception) -> NoticeNotSent:
    """The failure behind what Django's backend for mail raised."""
    kind = next(kind for family, kind in _MAIL if isinstance(error, family))
    return NoticeNotSent(kind, f"{type(error).__name__}: {error}")


def of_message(error: FeishuError | SealedValueError, *, app_id: str) -> NoticeNotSent:
    """The failure of the bot that was to send."""
    if isinstance(error, SealedValueError):
        kind = Reason.SEALED.value
    else:
        kind = str(error.code) if error.code is not None else (error.reason or Reason.HTTP).value
    return NoticeNotSent(kind, f"{app_id}: {error}")


def in_words(failure: str, *, is_retried: bool = True) -> tuple[str, str]:
    """A failure as it is stored: in words of the active language, and the other side's answer, if there was one.

    `is_retried`: False for what is sent once, on request.
    """
    kind, _colon, answer = failure.partition(": ")
    if kind in KINDS:
        return str(KINDS[kind]), answer
    if kind in set(Reason):
        info = explain(None, kind)
    elif kind.lstrip("-").isdecimal():
        info = explain(int(kind))
    else:
        return gettext("The notice could not be sent."), failure
    return cause_and_cure(info if is_retried else info.for_one_attempt), answer
