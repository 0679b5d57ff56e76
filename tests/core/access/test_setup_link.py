"""The first operator is made by a one-time link, which opens nothing once there is an operator."""

import io
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from core.access.models import AuditEntry, SetupLink, User
from core.access.setup_link import SetupLinkOverError, make_first_operator, new_setup_link
from tests.factories import make_operator

pytestmark = pytest.mark.django_db
FORM = {"username": "lin", "password1": "right-horse-battery", "password2": "right-horse-battery"}


def link() -> str:
    made = new_setup_link()
    assert made
    return made


def token_of(address: str) -> str:
    return address.partition("token=")[2]


def test_link_makes_an_operator_who_may_do_everything_and_is_signed_in():
    address, browser = link(), Client()
    assert browser.get(address).status_code == 200
    answer = browser.post(address, FORM, REMOTE_ADDR="192.0.2.1")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    assert browser.get("/admin/").status_code == 200
    operator = User.objects.get()
    assert (operator.username, operator.role) == ("lin", "administrator")
    assert operator.check_password(FORM["password1"])
    assert list(AuditEntry.objects.order_by("id").values_list("action", "target", "address")) == [
        ("operator.created", "lin", "192.0.2.1"),
        ("operator.signed_in", "lin", "192.0.2.1"),
    ]


def test_link_works_once():
    address = link()
    Client().post(address, FORM)
    again = Client().post(address, FORM | {"username": "mei"})
    assert again.status_code == Client().get(address).status_code == 410
    assert list(User.objects.values_list("username", flat=True)) == ["lin"]


def test_link_ends_after_its_hour():
    address = link()
    SetupLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert Client().get(address).status_code == 410
    assert Client().post(address, FORM).status_code == 410
    assert not User.objects.exists()


def test_new_link_ends_the_former():
    former, _newer = link(), link()
    assert Client().get(former).status_code == 410


@pytest.mark.parametrize("query", ["", "?token=", "?token=%00", "?token=%ED%A0%80", f"?token={'x' * 43}"])
def test_other_tokens_open_nothing(query):
    link()
    assert Client().get(f"/admin/setup/{query}").status_code in {400, 410}
    assert Client().post(f"/admin/setup/{query}", FORM).status_code in {400, 410}
    assert not User.objects.exists()


def test_link_opens_nothing_once_there_is_an_operator():
    address = link()
    make_operator()
    assert Client().get(address).status_code == 410
    with pytest.raises(SetupLinkOverError):
        make_first_operator(User(username="late"), token=token_of(address), address="")
    assert not User.objects.filter(username="late").exists()


def test_of_two_who_use_the_link_at_once_one_wins(transactional_db):
    token, start, ends = token_of(link()), Barrier(2), []

    def use(name: str) -> None:
        start.wait(60)
        try:
            make_first_operator(User(username=name), token=token, address="")
            ends.append(name)
        except SetupLinkOverError:
            ends.append("over")
        finally:
            connection.close()

    threads = [Thread(target=use, args=(name,)) for name in ("lin", "mei")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(ends) == sorted(["over", User.objects.get().username])


def test_weak_and_differing_passwords_are_refused_and_the_link_stays():
    address = link()
    for wrong in ({"password1": "lin", "password2": "lin"}, {"password2": "another-horse-1"}):
        assert Client().post(address, FORM | wrong).status_code == 200
    assert not User.objects.exists()
    assert Client().post(address, FORM).status_code == 302


def test_link_is_stored_as_a_digest():
    token = token_of(link())
    assert token not in SetupLink.objects.get().digest


def test_sign_in_page_says_what_to_do_where_there_is_no_operator():
    assert 'data-testid="no-operator"' in Client().get("/admin/login/").text
    make_operator()
    assert 'data-testid="no-operator"' not in Client().get("/admin/login/").text


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Make the first operator"), ("zh-hans", "创建第一个操作员")]
)
def test_page_speaks_both_languages(language, words):
    assert words in Client(headers={"Accept-Language": language}).get(link()).text


def test_command_prints_a_link_that_opens():
    out = io.StringIO()
    call_command("setuplink", "--url", "https://portal.example.com/", stdout=out)
    base, path, query = out.getvalue().strip().partition("/admin/setup/")
    assert base == "https://portal.example.com"
    assert Client().get(path + query).status_code == 200


def test_command_refuses_where_there_is_an_operator():
    make_operator()
    with pytest.raises(CommandError, match="already"):
        call_command("setuplink")
