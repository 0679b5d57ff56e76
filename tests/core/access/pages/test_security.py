"""An operator sees and ends their own sessions; administrators those of others; nobody else any."""

import pytest
from django.test import Client

from core.access.models import AuditEntry, OperatorSession, User
from tests.factories import make_operator

pytestmark = pytest.mark.django_db
PAGE = "/admin/security/"
CHROME = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"


def signed_in(user: User, **headers: str) -> Client:
    browser = Client(headers={"Accept-Language": "en", **headers})
    form = {"username": user.username, "password": "correct horse"}
    assert browser.post("/admin/login/", form, REMOTE_ADDR="192.0.2.7").status_code == 302
    return browser


def is_signed_in(browser: Client) -> bool:
    return browser.get("/admin/").status_code == 200


def row_of(browser: Client) -> str:
    return str(next(one["row"].pk for one in browser.get(PAGE).context["sessions"] if one["is_this"]))


@pytest.fixture
def operator() -> User:
    return make_operator()


def test_page_lists_the_own_sessions_in_words(operator):
    signed_in(make_operator("somebody-else"))
    browser = signed_in(operator, **{"User-Agent": CHROME})
    page = browser.get(PAGE)
    assert len(page.context["sessions"]) == 1
    for words in ("Chrome · macOS", "192.0.2.7", "this browser", "just now"):
        assert words in page.text


def test_session_that_is_signed_out_is_over(operator):
    here, there = signed_in(operator), signed_in(operator)
    assert here.post(f"{PAGE}sessions/", {"session": row_of(there)}).status_code == 302
    assert (is_signed_in(here), is_signed_in(there)) == (True, False)
    entry = AuditEntry.objects.get(action="operator.sessions_ended")
    assert (entry.target, entry.detail) == (operator.username, {"count": 1})


def test_all_others_are_signed_out_at_once(operator):
    here, *others = [signed_in(operator) for _ in range(3)]
    here.post(f"{PAGE}sessions/", {"session": "others"})
    assert is_signed_in(here)
    assert not any(is_signed_in(browser) for browser in others)


def test_session_of_another_operator_is_left_alone(operator):
    theirs = signed_in(make_operator())
    own = signed_in(operator)
    for key in (row_of(theirs), "others", "", "x\0"):
        own.post(f"{PAGE}sessions/", {"session": key})
    assert is_signed_in(theirs)
    assert not AuditEntry.objects.filter(action="operator.sessions_ended").exists()


def test_administrator_signs_an_operator_out_everywhere(operator):
    theirs = [signed_in(operator), signed_in(operator)]
    boss = signed_in(make_operator(superuser=True))
    address = f"{PAGE}operators/{operator.pk}/"
    assert len(boss.get(address).context["sessions"]) == 2
    assert boss.post(f"{address}sessions/", {"session": "others"}).status_code == 302
    assert is_signed_in(boss)
    assert not any(is_signed_in(browser) for browser in theirs)


def test_operator_without_these_rights_finds_nothing_of_others(operator):
    victim = signed_in(make_operator("victim"))
    own = signed_in(operator)
    address = f"{PAGE}operators/{User.objects.get(username='victim').pk}/"
    assert (
        own.get(address).status_code
        == own.post(f"{address}sessions/", {"session": "others"}).status_code
        == 404
    )
    assert is_signed_in(victim)


def test_rows_go_with_their_operator(operator):
    signed_in(operator)
    operator.delete()
    assert not OperatorSession.objects.exists()


def test_page_in_chinese_has_chinese_words(operator):
    browser = signed_in(operator)
    assert "已登录的位置" in browser.get(PAGE, headers={"Accept-Language": "zh-hans"}).text
