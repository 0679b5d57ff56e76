"""How far this host has seen the database: a file under DATA_DIR, which a restore of the database does not put back."""

import json
import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Witness:
    """The installation, and the latest mark of it that was seen."""

    identity: UUID
    marked_at: datetime


def _file() -> Path:
    path: Path = settings.DATA_DIR / "installation.json"
    return path


def read() -> Witness | None:
    """None where this host has seen no database yet, or the file says nothing that can be read."""
    try:
        content = json.loads(_file().read_text("utf-8"))
        marked_at = datetime.fromisoformat(content["marked_at"])
        return Witness(UUID(content["identity"]), marked_at) if marked_at.tzinfo else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write(seen: Witness) -> None:
    """Replace what is known. A folder that cannot be written costs this one sign of a restore, and nothing else."""
    content = json.dumps({"identity": str(seen.identity), "marked_at": seen.marked_at.isoformat()})
    file = _file()
    unfinished = file.with_suffix(".part")
    try:
        unfinished.write_text(content, "utf-8")
        unfinished.rename(file)
    except OSError as error:
        logger.debug("installation_not_witnessed", extra={"problem": error.strerror})
