import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from auth_sessions.pages.prefetch import allow_redirect, is_opened_by_person, private

BROWSER = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1"}


def test_navigation_that_a_person_began_is_a_persons() -> None:
    assert is_opened_by_person(RequestFactory().get("/oauth/start/x/", headers=BROWSER))
    assert is_opened_by_person(RequestFactory().post("/oauth/start/x/"))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-User": "?0"},
        {"Purpose": "prefetch", "Sec-Purpose": "prefetch"},
        {"User-Agent": "Mozilla/5.0 (compatible; a scanner of links)"},
    ],
)
def test_anything_else_may_be_a_scanner(headers: dict[str, str]) -> None:
    assert not is_opened_by_person(RequestFactory().get("/oauth/start/x/", headers=headers))
    assert not is_opened_by_person(RequestFactory().head("/oauth/start/x/", headers=headers))


def test_private_page_is_kept_by_nobody_and_passes_its_address_on_to_nobody() -> None:
    page = private(HttpResponse(status=404))

    assert "no-store" in page["Cache-Control"]
    assert page["Referrer-Policy"] == "no-referrer"
    assert private(HttpResponse(), has_form=True)["Referrer-Policy"] == "same-origin"


def test_form_may_be_answered_with_a_redirect_to_the_one_site() -> None:
    page = HttpResponse()
    allow_redirect(page, "https://accounts.feishu.cn/open-apis/authen/v1/authorize?state=x")

    assert page._csp_update == {"form-action": ["https://accounts.feishu.cn"]}
