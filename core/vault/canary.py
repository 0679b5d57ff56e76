"""Whether the key ring is the one this database was written with."""

import logging

from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError

from core.access.models import KeyCanary
from core.database.errors import described
from core.vault.keyring import SealedValueError

logger = logging.getLogger(__name__)

KNOWN_PLAINTEXT = "the keys are right"
WRONG_KEYS = (
    "ENCRYPTION_KEYS lacks the key with which this database was written, so no secret in it can be opened. Put that key "
    "back, behind a new one if there is one, and run manage.py rotatekeys before you take it out. "
    "ENCRYPTION_KEYS 缺少写入此数据库时使用的密钥，其中的凭证均无法解密。请补回该密钥（可放在新密钥之后），"
    "执行 manage.py rotatekeys 之后再移除。"
)


def create_canary(**_options: object) -> None:
    """Seal the known plaintext with the key that writes, unless there is a canary; after every migration."""
    try:
        if not KeyCanary.objects.exists():
            KeyCanary(sealed=KNOWN_PLAINTEXT).save(force_insert=True)
    except (OperationalError, ProgrammingError):
        logger.debug("canary_has_no_table")


def verify_keys() -> None:
    """Raises SealedValueError, with what to do, where ENCRYPTION_KEYS does not open this database.

    A database that does not answer raises nothing: whether the keys are wrong is not known then.
    """
    try:
        canary = KeyCanary.objects.first()
        is_right = canary is None or canary.sealed == KNOWN_PLAINTEXT
    except SealedValueError as error:
        raise SealedValueError(WRONG_KEYS) from error
    except (DatabaseError, InterfaceError) as error:
        logger.debug("keys_not_verified", extra=described(error))
        return
    if not is_right:
        raise SealedValueError(WRONG_KEYS)
