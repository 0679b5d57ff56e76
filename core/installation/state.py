"""Comparing what the database says of itself with what this process sees."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from django.db import OperationalError, ProgrammingError, transaction
from django.utils import timezone

from core.access.models import DatabaseAnchor, Installation
from core.database.clock import DatabaseTime
from core.installation import witness
from core.installation.place import place
from core.installation.witness import Witness
from feishu.text import Text

MARK_EVERY: Final = timedelta(minutes=1)
MARK_SECONDS: Final = MARK_EVERY.total_seconds()
BEHIND: Final = timedelta(minutes=10)
"""What a database may lack of what a host has seen of it: a standby that takes over lacks seconds, a backup more."""
_NOT_A_HOST: Final = {"localhost", "127.0.0.1", "::1"}


class Cause(StrEnum):
    """Why the portal is passive."""

    SETTING = "setting"
    NAME = "name"
    HOST = "host"
    PLACE = "place"
    BEHIND = "behind"


CAUSES: Final = {
    Cause.SETTING: Text(
        "已设置 FEISHU_PASSIVE",
        "FEISHU_PASSIVE is on",
    ),
    Cause.NAME: Text(
        "数据库属于另一个安装（FEISHU_INSTALLATION 不一致）",
        "the database belongs to another installation (FEISHU_INSTALLATION differs)",
    ),
    Cause.HOST: Text(
        "数据库属于使用另一个 PUBLIC_URL 的安装",
        "the database belongs to an installation with another PUBLIC_URL",
    ),
    Cause.PLACE: Text(
        "数据库是副本，或从备份恢复而来",
        "the database is a copy, or was restored from a backup",
    ),
    Cause.BEHIND: Text(
        "数据库已回退到较早的状态",
        "the database was put back to an earlier state",
    ),
}


@dataclass(frozen=True, slots=True)
class PortalState:
    """Whether the portal may act; ``marked_at`` is when an active process last worked with this database."""

    cause: Cause | None = None
    marked_at: datetime | None = None

    @property
    def is_passive(self) -> bool:
        return self.cause is not None


ACTIVE: Final = PortalState()


_contents: list[Callable[[], bool]] = []
_stakes: list[Callable[[], bool]] = []


def count_as_content(is_there: Callable[[], bool]) -> None:
    """Before anything is there that a copy could act for, the database of a new installation may well be a copy of an empty
    one, as a prepared template is."""
    _contents.append(is_there)


def count_as_stake(is_held: Callable[[], bool]) -> None:
    """Before anything is held that a copy could spend, PUBLIC_URL may be corrected without more ado."""
    _stakes.append(is_held)


def _any(questions: list[Callable[[], bool]]) -> bool:
    return any(question() for question in questions)


def public_host() -> str:
    """The host of PUBLIC_URL, where it tells installations apart."""
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    return "" if host in _NOT_A_HOST else host


def create(**_options: object) -> None:
    """Say that this new database belongs to this installation, unless it is said already; after every migration.

    Its place is left open until a process works with it: databases are made from a migrated template."""
    try:
        with transaction.atomic():
            if not Installation.objects.exists():
                DatabaseAnchor.objects.get_or_create(pk=1)
                installation = _belongs_here()
                installation.place = ""
                installation.save(force_insert=True)
    except (OperationalError, ProgrammingError):
        return  # migrated back to before the table


def adopt() -> Installation:
    """Say that the database is this installation's own from now on, under a new identity.

    The anchor is rewritten. In fresh clusters the same dump is restored under the same numbers every time: without that, the next
    copy that is made in the same way would lie where this one does."""
    with transaction.atomic():
        DatabaseAnchor.objects.get_or_create(pk=1)
        DatabaseAnchor.objects.update(id=1)
        installation = _belongs_here()
        installation.adopted_at = installation.marked_at
        Installation.objects.all().delete()
        installation.save(force_insert=True)
    return installation


def _belongs_here() -> Installation:
    return Installation(
        identity=uuid4(),
        name=settings.INSTALLATION,
        host=public_host(),
        place=place(),
        marked_at=timezone.now(),
    )


def judge() -> PortalState:
    """The state as the database has it at this moment; nothing is written. Raises django.db.Error."""
    installation = Installation.objects.first()
    if installation is None:
        return PortalState(Cause.SETTING) if settings.PASSIVE else ACTIVE
    cause = _cause(installation)
    return PortalState(None if _is_empty(cause) else cause, installation.marked_at)


def look() -> PortalState:
    """As ``judge``, and what follows from it is noted: in an active database that it is in use, and how this host knows it; of
    an empty copy that it is one of its own; of one that fell behind, for the processes of other hosts, that it did. Raises
    django.db.Error."""
    installation = Installation.objects.first()
    if installation is None:
        return PortalState(Cause.SETTING) if settings.PASSIVE else ACTIVE
    cause = _cause(installation)
    if _is_empty(cause) or (cause is None and not installation.place and place()):
        installation, cause = adopt(), None
    if cause is None:
        _mark(installation)
    elif cause == Cause.BEHIND and installation.found_behind_at is None:
        Installation.objects.filter(identity=installation.identity, found_behind_at=None).update(
            found_behind_at=timezone.now()
        )
    return PortalState(cause, installation.marked_at)


def _is_empty(cause: Cause | None) -> bool:
    """Whether the database only looks like a copy, and holds nothing."""
    return cause not in {None, Cause.SETTING} and not _any(_contents)


def _cause(installation: Installation) -> Cause | None:
    if settings.PASSIVE:
        return Cause.SETTING
    # A database that nobody has named yet takes the first name it is given, where nothing else speaks against it.
    if installation.name and installation.name != settings.INSTALLATION:
        return Cause.NAME
    is_unnamed = not installation.name
    if is_unnamed and installation.host and public_host() not in {"", installation.host} and _any(_stakes):
        return Cause.HOST
    if installation.place and installation.place != place():
        installation.refresh_from_db(fields=("place",))
        if installation.place != place():  # not adopted by another process in between
            return Cause.PLACE
    if installation.found_behind_at is not None or _is_behind(installation):
        return Cause.BEHIND
    return None


def _is_behind(installation: Installation) -> bool:
    seen = witness.read()
    if seen is None or seen.identity != installation.identity:
        return False
    return installation.marked_at < seen.marked_at - BEHIND


def _mark(installation: Installation) -> None:
    """By the database's clock: marks of several hosts are compared."""
    host = public_host() or installation.host
    rows = Installation.objects.filter(identity=installation.identity)
    if (installation.name, installation.host) != (settings.INSTALLATION, host):
        rows.update(name=settings.INSTALLATION, host=host)
    marked_at = installation.marked_at
    if marked_at <= timezone.now() - MARK_EVERY:
        rows.filter(marked_at__lt=DatabaseTime(-MARK_SECONDS)).update(marked_at=DatabaseTime())
        marked_at = rows.values_list("marked_at", flat=True).first() or marked_at
    seen = witness.read()
    if seen is None or seen.identity != installation.identity or seen.marked_at < marked_at:
        witness.write(Witness(installation.identity, marked_at))
