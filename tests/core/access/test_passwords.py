"""Passwords are hashed cheaply and few at once."""

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, make_password
from django.test import Client

from core.access import passwords
from core.access.passwords import Argon2, PasswordsBusyError

HASHER = Argon2()


@pytest.fixture(autouse=True)
def hashers_of_production(settings):
    settings.PASSWORD_HASHERS = ["core.access.passwords.Argon2"]


def test_hash_has_the_costs_that_owasp_advises():
    assert "m=19456,t=2,p=1" in make_password("a")


def test_hash_of_other_costs_is_valid_and_made_anew():
    renewed = []
    old = Argon2PasswordHasher().encode("a", "saltsaltsalt")
    assert check_password("a", old, setter=renewed.append)
    assert renewed == ["a"]


def test_checks_beyond_the_limit_are_refused_after_a_while(monkeypatch):
    monkeypatch.setattr(passwords, "PATIENCE", 0.01)
    encoded = HASHER.encode("a", "saltsaltsalt")
    for _ in range(passwords.AT_ONCE):
        passwords._turns.acquire()
    try:
        with pytest.raises(PasswordsBusyError):
            HASHER.verify("a", encoded)
    finally:
        for _ in range(passwords.AT_ONCE):
            passwords._turns.release()
    assert HASHER.verify("a", encoded)


@pytest.mark.django_db
def test_sign_in_that_finds_no_turn_says_when_to_come_again(monkeypatch):
    monkeypatch.setattr(passwords, "PATIENCE", 0.0)
    for _ in range(passwords.AT_ONCE):
        passwords._turns.acquire()
    try:
        answer = Client().post("/admin/login/", {"username": "a", "password": "b"})
    finally:
        for _ in range(passwords.AT_ONCE):
            passwords._turns.release()
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "5")
