import gettext
import os
import shutil
from pathlib import Path

import pytest

from feishu_portal.catalogue import SOURCE, compile_catalogue, is_compiled


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the catalogue that nobody has compiled yet."""
    return Path(shutil.copy(SOURCE, tmp_path))


def test_compiled_catalogue_translates(source: Path) -> None:
    compile_catalogue(source)

    with source.with_suffix(".mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("Long connection") == "长连接"


def test_nothing_is_left_beside_the_compiled_catalogue(source: Path) -> None:
    compile_catalogue(source)

    assert {path.name for path in source.parent.iterdir()} == {"django.po", "django.mo"}


def test_catalogue_is_compiled_until_its_source_changes(source: Path) -> None:
    assert not is_compiled(source)
    compile_catalogue(source)
    assert is_compiled(source)

    later = source.with_suffix(".mo").stat().st_mtime + 1
    os.utime(source, (later, later))

    assert not is_compiled(source)
