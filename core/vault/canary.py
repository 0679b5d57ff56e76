"""Whether the key ring is the one this database was written with."""

import logging

from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError

from core.access.models import KeyCanary
from core.vault.keyring import SealedValueError

logger = logging.getLogger("feishu_portal.keys")

SONG = "the keys are right"
WRONG_KEYS = (
    "ENCRYPTION_KEYS lacks the key with which this database was written, so no secret in it can be opened. Put that key "
    "back, behind a new one if there is one, and run manage.py rotatekeys before you take it out. "
    "ENCRYPTION_KEYS 缺少写入此数据库时使用的密钥，其中的凭证均无法解密。请补回该密钥（可放在新密钥之后），"
    "执行 manage.py rotatekeys 之后再移除。"
)


def plant(**_options: object) -> None:
    """Seal the canary with the key that writes, unless there is one; after every migration."""
    try:
        if not KeyCanary.objects.exists():
            KeyCanary(sealed=SONG).save(force_insert=True)
    except (OperationalError, ProgrammingError):
        logger.debug("canary_has_no_table_yet")


def verify() -> None:
    """Raises SealedValueError, saying what to do. Without an answer from the database nothing can be said."""
    try:
        canary = KeyCanary.objects.first()
        right = canary is None or canary.sealed == SONG
    except SealedValueError as error:
        raise SealedValueError(WRONG_KEYS) from error
    except (DatabaseError, InterfaceError) as error:
        logger.debug("keys_not_verified", extra={"error": type(error).__name__})
        return
    if not right:
        raise SealedValueError(WRONG_KEYS)
