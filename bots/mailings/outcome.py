"""Why a step of a mailing failed, as columns of a mailing or recipient have it."""

from typing import Any, Final

from core.database.text import storable
from core.vault.keyring import SealedValueError
from core.vault.redaction import redact_text
from feishu.errors import FeishuError
from feishu.reasons import Reason

NO_FAILURE: Final[dict[str, Any]] = {"code": None, "reason": "", "said": "", "log_id": ""}


def failure_of(error: FeishuError | SealedValueError) -> dict[str, Any]:
    """The columns ``code``, ``reason``, ``said`` and ``log_id``; no secret is among them."""
    if isinstance(error, SealedValueError):
        return NO_FAILURE | {"reason": Reason.SEALED.value}
    return {
        "code": error.code,
        "reason": "" if error.code is not None else (error.reason or ""),
        "said": storable(redact_text(error.message), 300),
        "log_id": storable(error.log_id, 128),
    }
