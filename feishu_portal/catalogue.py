"""The compiled catalogue of translations. It is built from its source, which alone is under version control.

``python -m feishu_portal.catalogue`` builds it. make calls that when the source is newer, and so does a test session.
"""

import os
from pathlib import Path

from feishu_portal.files import RESOURCES

SOURCE = RESOURCES / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"


def is_compiled(source: Path = SOURCE) -> bool:
    """Whether the compiled catalogue exists and is not older than its source, which a wheel leaves out."""
    compiled = source.with_suffix(".mo")
    if not compiled.exists():
        return False
    return not source.exists() or compiled.stat().st_mtime >= source.stat().st_mtime


def compile_catalogue(source: Path = SOURCE) -> None:
    """Compiles without gettext's msgfmt. A process that reads the catalogue meanwhile sees the old one or the new one."""
    import polib  # noqa: PLC0415 -- takes 10 ms, and every process imports this module for its check

    new = source.with_suffix(f".{os.getpid()}.mo")
    polib.pofile(str(source)).save_as_mofile(str(new))
    new.replace(source.with_suffix(".mo"))


if __name__ == "__main__":
    compile_catalogue()
