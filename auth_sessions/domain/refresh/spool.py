"""Answers on disk until the database has them: one sealed file each, written and synced before anything else happens.

The files lie under DATA_DIR, readable by the owner alone, encrypted with the key ring and bound to the attempt they
answer. There are never more of them than refreshes in flight, because a refresher whose spool is not empty takes nothing
new until it is. Redis has a copy of each (``copies``), from which any refresher goes on where the disk is gone with its host.
"""

import contextlib
import json
import logging
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from auth_sessions.domain.failures import Failure
from auth_sessions.domain.refresh import copies
from auth_sessions.domain.refresh.outcomes import SubmissionResult
from auth_sessions.enums import RefreshOutcome
from auth_sessions.models import RefreshAttempt
from core.vault.keyring import SealedValueError, seal, unseal
from feishu.oauth import TokenSet

logger = logging.getLogger(__name__)

MAX_FILES = 256  # with so many nothing new is sent
MIN_FREE = 10 * 1024 * 1024  # bytes
_SUFFIX = ".answer"


class SpoolUnusable(Exception):
    """No answer could be kept, so nothing may be sent."""


def folder() -> Path:
    """The folder of the files; made when first needed."""
    path = _path()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _path() -> Path:
    path: Path = settings.DATA_DIR / "refresh-spool"
    return path


def count() -> int:
    """How many answers are on this host's disk; none where it cannot be read, which ``check`` says."""
    with contextlib.suppress(OSError):
        return sum(1 for _ in _path().glob(f"*{_SUFFIX}"))
    return 0


def check() -> None:
    """Raises SpoolUnusable when the disk is full, the folder cannot be written, or too much waits in it already."""
    try:
        path = folder()
        writable, free = os.access(path, os.W_OK), shutil.disk_usage(path).free
        waiting = sum(1 for _ in path.glob(f"*{_SUFFIX}"))
    except OSError as error:
        raise SpoolUnusable(f"{error.filename}: {error.strerror}") from error
    if not writable:
        raise SpoolUnusable(f"{path} is not writable")
    if free < MIN_FREE:
        raise SpoolUnusable(f"{path} has less than {MIN_FREE // 1024 // 1024} MiB left")
    if waiting >= MAX_FILES:
        raise SpoolUnusable(f"{waiting} answers wait in {path}")


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer, when its request was sent, and what it belongs to: the attempt's own row may be gone with a restore."""

    result: SubmissionResult
    asked_at: datetime
    grant_id: UUID
    generation: int


def keep(attempt: RefreshAttempt, result: SubmissionResult, *, asked_at: datetime) -> bool:
    """Write the answer of one attempt and sync it; False, logged, when neither the disk nor Redis took it."""
    tokens, claim_id = result.tokens, attempt.pk
    content = {
        "asked_at": asked_at.isoformat(),
        "grant": str(attempt.token_id),
        "generation": attempt.generation,
        "outcome": result.outcome.value,
        "code": result.code,
        "log_id": result.log_id,
        "wait": result.wait,
        "failure": asdict(result.failure),
        "tokens": tokens and {name: getattr(tokens, name) for name in TokenSet.__slots__},
    }
    sealed = seal(json.dumps(content), binding=_binding(claim_id)).encode()
    try:
        _write(folder() / f"{claim_id}{_SUFFIX}", sealed)
    except OSError:
        is_on_disk = False
        logger.exception("refresh_answer_not_spooled", extra={"attempt": str(claim_id)})
    else:
        is_on_disk = True
    return copies.put(claim_id, sealed) or is_on_disk


def _write(path: Path, content: bytes) -> None:
    """Write under another name and rename, so that every file under its own name is whole."""
    unfinished = path.with_suffix(".part")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def waiting() -> Iterator[UUID]:
    """The attempts whose answers are here, or in Redis for longer than their sender takes to store them."""
    here = [UUID(path.stem) for path in sorted(folder().glob(f"*{_SUFFIX}"))[:MAX_FILES]]
    yield from here
    for claim_id in copies.waiting()[:MAX_FILES]:
        kept = None if claim_id in here else read(claim_id)
        if kept is not None and kept.asked_at < timezone.now() - timedelta(
            seconds=settings.REFRESH_LEASE_SECONDS / 3
        ):
            yield claim_id


def read(claim_id: UUID) -> Kept | None:
    """None when the answer is gone or, logged, does not open."""
    try:
        sealed = _sealed(claim_id)
        content = None if sealed is None else json.loads(unseal(sealed, binding=_binding(claim_id)))
    except (OSError, ValueError, SealedValueError):
        logger.exception("spooled_answer_unreadable", extra={"attempt": str(claim_id)})
        return None
    if content is None:
        return None
    tokens = content["tokens"]
    result = SubmissionResult(
        RefreshOutcome(content["outcome"]),
        tokens=TokenSet(**tokens | {"scopes": tuple(tokens["scopes"])}) if tokens else None,
        code=content["code"],
        log_id=content["log_id"],
        wait=content["wait"],
        failure=Failure(**content["failure"]),
    )
    asked_at = datetime.fromisoformat(content["asked_at"])
    return Kept(result, asked_at, UUID(content["grant"]), content["generation"])


def _sealed(claim_id: UUID) -> str | None:
    try:
        return (folder() / f"{claim_id}{_SUFFIX}").read_text("ascii")
    except FileNotFoundError:
        copy = copies.get(claim_id)
        return None if copy is None else copy.decode("ascii")


def discard(claim_id: UUID) -> None:
    """Delete the answer, because the database has it."""
    (folder() / f"{claim_id}{_SUFFIX}").unlink(missing_ok=True)
    copies.remove(claim_id)


def _binding(claim_id: UUID) -> str:
    return f"refresh-answer:{claim_id}"
