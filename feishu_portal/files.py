"""Where the portal's own files and an operator's lie: with a checkout, and with the wheel installed.

The wheel carries templates, static files and translations inside this package (``hatch_build.py``, ``pyproject.toml``).
"""

from importlib.util import find_spec
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_IN_WHEEL = _PACKAGE / "resources"
_IS_WHEEL = _IN_WHEEL.is_dir()

RESOURCES = _IN_WHEEL if _IS_WHEEL else _PACKAGE.parent
"""Folder of ``templates``, ``static`` and ``locale``."""

BASE_DIR = Path.cwd() if _IS_WHEEL else _PACKAGE.parent
"""What relative paths of an operator count from, and where ``.env`` is looked for."""


def static_files_of(package: str) -> Path:
    """Folder of the static files that an installed package brings along; the package is not loaded."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"No package named {package!r}", name=package)
    return Path(next(iter(spec.submodule_search_locations))) / "static"


def default_data_dir() -> Path:
    """DATA_DIR where none is set."""
    if not _IS_WHEEL:
        return BASE_DIR / "data"
    from platformdirs import user_data_path  # noqa: PLC0415 -- production sets DATA_DIR

    return user_data_path("feishu-portal", appauthor=False)
