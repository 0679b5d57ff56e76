import pytest

from core.console.live.viewers import is_from_own_page


def scope(origin: str | None, host: str | None = "portal.test") -> dict[str, object]:
    headers = {b"origin": origin, b"host": host}
    return {"headers": [(name, value.encode()) for name, value in headers.items() if value is not None]}


@pytest.fixture(autouse=True)
def addresses(settings) -> None:
    settings.ALLOWED_HOSTS = ["portal.test"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://console.test"]
    settings.HTTPS = False


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://portal.test", "portal.test"),
        ("http://portal.test", "PORTAL.test"),
        ("http://portal.test:8000", "portal.test:8000"),
        ("https://console.test", "portal.test"),
    ],
)
def test_page_of_the_portal_may_open_a_socket(origin: str, host: str) -> None:
    assert is_from_own_page(scope(origin, host))


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "portal.test"),
        ("null", "portal.test"),
        ("http://evil.test", "portal.test"),
        ("http://evil.test", "evil.test"),
        ("http://portal.test:8001", "portal.test:8000"),
        ("file://portal.test", "portal.test"),
        ("http://[", "portal.test"),
        ("http://portal.test", None),
    ],
)
def test_any_other_page_may_not(origin: str | None, host: str | None) -> None:
    assert not is_from_own_page(scope(origin, host))


def test_behind_https_a_page_without_it_is_another_one(settings) -> None:
    settings.HTTPS = True
    assert not is_from_own_page(scope("http://portal.test"))
    assert is_from_own_page(scope("https://portal.test"))


def test_trusted_subdomains_are_those_that_forms_come_from(settings) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.corp.test"]
    assert is_from_own_page(scope("https://portal.corp.test", "upstream"))
    for other in ("http://portal.corp.test", "https://corp.test.evil.test", "https://evilcorp.test"):
        assert not is_from_own_page(scope(other, "upstream"))


def test_host_is_that_of_the_proxy_in_front_where_that_is_believed(settings) -> None:
    asked = scope("http://portal.test", "upstream")
    asked["headers"].append((b"x-forwarded-host", b"portal.test"))  # type: ignore[attr-defined]
    assert not is_from_own_page(asked)
    settings.USE_X_FORWARDED_HOST = True
    assert is_from_own_page(asked)
