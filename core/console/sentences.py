"""Texts of the platform layer as sentences in the active language, for pages, mails and chat messages alike."""

import re

from django.conf import settings
from django.utils.translation import get_language, gettext

from core.vault.keyring import SealedValueError
from feishu.codes import CodeInfo, explain
from feishu.errors import FeishuError
from feishu.reasons import Reason
from feishu.text import Text


def in_language(text: Text) -> str:
    """``text`` in the active language."""
    return text.in_language(get_language() or settings.LANGUAGE_CODE)


def adding(name: str) -> str:
    """What a button and a page that add one are called. Chinese has a blank before a word in Latin letters, and no other."""
    words = gettext("Add %(name)s") % {"name": name}
    return re.sub(r"(?<=[\u4e00-\u9fff])(?=[A-Za-z])", " ", words)


def in_sentences(*parts: str) -> str:
    """The parts as sentences, one after the other, each with the full stop of the active language."""
    stop = "。" if (get_language() or settings.LANGUAGE_CODE).startswith("zh") else ". "
    return "".join(f"{part.rstrip('.。')}{stop}" for part in parts if part).strip()


def cause_and_cure(info: CodeInfo) -> str:
    """What is wrong and what to do about it, as sentences on one line."""
    return in_sentences(in_language(info.cause), in_language(info.cure))


def advice_on(error: FeishuError | SealedValueError) -> str:
    """The same of a call that has failed and is not repeated by itself, for whoever asked for it on a page."""
    if isinstance(error, SealedValueError):
        return cause_and_cure(explain(None, Reason.SEALED))
    return cause_and_cure(error.info.for_one_attempt)
