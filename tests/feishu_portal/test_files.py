"""With a checkout; tests/deploy/test_wheel.py has the wheel."""

import sys

import pytest

from feishu_portal.files import BASE_DIR, RESOURCES, default_data_dir, static_files_of
from tests.services.processes import PROJECT


def test_files_of_a_checkout_lie_beside_the_packages() -> None:
    assert (RESOURCES, BASE_DIR, default_data_dir()) == (PROJECT, PROJECT, PROJECT / "data")
    assert all((RESOURCES / name).is_dir() for name in ("locale", "static", "templates"))


def test_static_files_of_a_package_are_found_without_loading_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ninja", raising=False)
    assert (static_files_of("ninja") / "ninja" / "swagger-ui.css").is_file()
    assert "ninja" not in sys.modules


def test_a_package_that_is_not_there_has_none() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        static_files_of("no_such_package")
