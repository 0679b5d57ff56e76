from datetime import timedelta

import pytest
from django.http import HttpResponse

from core.browser_cookie import BrowserCookie

COOKIE = BrowserCookie("mine")


@pytest.mark.parametrize(
    ("https", "name"), [(True, "__Host-feishu_portal_mine"), (False, "feishu_portal_mine")]
)
def test_browser_keeps_the_secret_for_this_host_and_shows_it_to_no_script(settings, https, name):
    settings.HTTPS = https
    response = HttpResponse()
    COOKIE.give(response, "secret", lasts=timedelta(minutes=10))

    cookie = response.cookies[name]
    assert (cookie.value, cookie["max-age"]) == ("secret", 600)
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert bool(cookie["secure"]) is https


def test_value_of_a_browser_without_the_cookie_is_empty():
    assert COOKIE.value_in({}) == ""
    assert COOKIE.value_in({COOKIE.name: "secret"}) == "secret"
