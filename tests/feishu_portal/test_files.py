"""With a checkout; tests/deploy/test_wheel.py has the wheel."""

from feishu_portal.files import BASE_DIR, RESOURCES, default_data_dir
from tests.services.processes import PROJECT


def test_files_of_a_checkout_lie_beside_the_packages() -> None:
    assert (RESOURCES, BASE_DIR, default_data_dir()) == (PROJECT, PROJECT, PROJECT / "data")
    assert all((RESOURCES / name).is_dir() for name in ("locale", "static", "templates"))
