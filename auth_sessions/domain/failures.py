"""Why a call to the platform failed, as it is kept for the operator: without secrets, and short."""

import json
import re
from dataclasses import dataclass
from typing import Final, Self

from core.database.text import storable
from core.vault.redaction import MASK, redact, redact_text
from feishu.errors import FeishuError, MalformedAnswer, OAuthError

MAX_SAID: Final = 500
MAX_EXCERPT: Final = 300
_OPAQUE: Final = re.compile(r"[\w.~+/=-]{24,}+")
"""What is so long and without a blank is a token, or nothing that a person would read."""


@dataclass(frozen=True, slots=True)
class Failure:
    """``reason``: the name of a ``feishu.reasons.Reason``, empty where the code says it. ``said``: the platform's words, what
    answered in its place, or the kind of transport error."""

    http_status: int | None = None
    reason: str = ""
    said: str = ""

    @classmethod
    def of(cls, error: FeishuError) -> Self:
        words = error.message
        if isinstance(error, OAuthError) and error.error and error.error not in words:
            words = f"{error.error}: {words}"
        said = redact_text(words)
        if isinstance(error, MalformedAnswer) and error.excerpt:
            said = f"{said[: MAX_SAID - MAX_EXCERPT - 3]} · {legible(error.excerpt)}"
        return cls(
            error.http_status, (error.reason or "") if error.code is None else "", storable(said, MAX_SAID)
        )


def legible(excerpt: str) -> str:
    """The beginning of an answer that could not be read, on one line, without anything that may be a token."""
    try:
        text = json.dumps(redact(json.loads(excerpt)), ensure_ascii=False)
    except (ValueError, RecursionError):
        text = redact_text(excerpt)
    return " ".join(_OPAQUE.sub(MASK, text[: MAX_EXCERPT * 10]).split())[:MAX_EXCERPT]
