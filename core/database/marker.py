"""The name of a setting that every direct connection to PostgreSQL has. Imported by the settings, so it needs nothing."""

from typing import Final

MARKER: Final = "feishu_portal.direct"
