"""Passwords are hashed cheaply and one at a time."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, make_password
from django.test import Client

from core.access import passwords
from core.access.passwords import Argon2, PasswordsBusyError
from tests.factories import make_operator
from tests.services.processes import PATIENCE

HASHER = Argon2()


@pytest.fixture(autouse=True)
def hashers_of_production(settings):
    settings.PASSWORD_HASHERS = ["core.access.passwords.Argon2"]


def test_hash_has_the_costs_that_owasp_advises():
    assert "m=19456,t=2,p=1" in make_password("a")


def test_hash_of_other_costs_is_valid_and_made_again():
    renewed = []
    old = Argon2PasswordHasher().encode("a", "saltsaltsalt")
    assert check_password("a", old, setter=renewed.append)
    assert renewed == ["a"]


@pytest.mark.skipif(sys.platform != "linux", reason="a priority for each thread is Linux's own")
def test_hashing_gives_way_to_what_else_the_process_does():
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    assert passwords._thread.submit(niceness).result(PATIENCE) == min(niceness() + passwords.NICENESS, 19)


@pytest.fixture
def no_turn():
    """Somebody else hashes for as long as the test runs."""
    ended = threading.Event()
    passwords._thread.submit(ended.wait, PATIENCE)
    yield
    ended.set()


def test_checks_beyond_the_limit_are_refused_after_a_while(monkeypatch, request):
    encoded = HASHER.encode("a", "saltsaltsalt")
    with monkeypatch.context() as patch:
        patch.setattr(passwords, "PATIENCE", 0.01)
        request.getfixturevalue("no_turn")
        with pytest.raises(PasswordsBusyError):
            HASHER.verify("a", encoded)


def test_check_that_has_begun_is_waited_for(monkeypatch):
    monkeypatch.setattr(passwords, "PATIENCE", 0.05)
    begun = threading.Event()

    def slow(*_arguments: str) -> bool:
        begun.set()
        return not threading.Event().wait(0.3)

    assert passwords._in_turn(slow, "a", "b")
    assert begun.is_set()


def test_passwords_are_hashed_one_at_a_time(monkeypatch):
    """Each needs 19 MiB, with former costs 100."""
    encoded = HASHER.encode("a", "saltsaltsalt")
    under_way, most, lock = 0, 0, threading.Lock()
    verify = Argon2PasswordHasher.verify

    def counted(self, password, encoded):
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        try:
            return verify(self, password, encoded)
        finally:
            with lock:
                under_way -= 1

    monkeypatch.setattr(passwords, "PATIENCE", 60.0)
    monkeypatch.setattr(Argon2PasswordHasher, "verify", counted)
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda _: HASHER.verify("a", encoded), range(6)))
    assert (all(found), most) == (True, 1)


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["password_change/", "access/user/add/"])
def test_page_that_sets_a_password_and_finds_no_turn_says_when_to_come_again(page, monkeypatch):
    browser = Client()
    browser.force_login(make_operator(superuser=True))

    def no_turn(*_arguments):
        raise PasswordsBusyError

    monkeypatch.setattr(Argon2, "encode", no_turn)
    monkeypatch.setattr("core.access.models.User.check_password", lambda *_: True)
    new = {"new_password1": "another-horse-1", "new_password2": "another-horse-1", "old_password": "a"}
    first = {
        "username": "b",
        "role": "operator",
        "usable_password": "true",
        "password1": "another-horse-1",
        "password2": "another-horse-1",
    }
    answer = browser.post(f"/admin/{page}", new | first)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "5")


@pytest.mark.django_db
def test_sign_in_that_finds_no_turn_says_when_to_come_again(monkeypatch, no_turn):
    monkeypatch.setattr(passwords, "PATIENCE", 0.01)
    answer = Client().post("/admin/login/", {"username": "a", "password": "b"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "5")
