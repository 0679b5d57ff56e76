"""Signing in is bounded per name and address, leaves traces, and no stranger keeps an operator out."""

from datetime import timedelta

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, PBKDF2PasswordHasher
from django.test import Client
from django.utils import timezone

from core.access import attempts, sign_in
from core.access.models import AuditEntry, SignInAttempts, User
from core.access.passwords import PasswordsBusyError
from core.log_pace import LogPace
from tests.factories import make_operator

pytestmark = pytest.mark.django_db
RIGHT = "right-horse-battery"


@pytest.fixture
def operator() -> User:
    user = make_operator()
    user.set_password(RIGHT)
    user.save()
    return user


def try_to_sign_in(username: str, password: str, *, client: Client | None = None, address: str = "192.0.2.1"):
    form = {"username": username, "password": password}
    return (client or Client()).post("/admin/login/?next=/admin/", form, REMOTE_ADDR=address)


def longest_pause() -> timedelta:
    rows = SignInAttempts.objects.filter(blocked_until__isnull=False)
    return max(row.blocked_until - row.last_at for row in rows if row.blocked_until)


def test_right_password_after_the_free_mistakes_has_to_wait(operator):
    answers = [try_to_sign_in(operator.username, "wrong").status_code for _ in range(attempts.FREE)]
    assert answers == [200] * attempts.FREE
    blocked = try_to_sign_in(operator.username, RIGHT)
    assert blocked.status_code == 429
    assert 0 < int(blocked.headers["Retry-After"]) <= 15
    assert longest_pause() == timedelta(seconds=15)


def test_unknown_name_is_answered_like_a_known_one(operator):
    for name in (operator.username, "nobody"):
        address = f"192.0.2.{len(name)}"
        answers = [
            try_to_sign_in(name, "wrong", address=address).status_code for _ in range(attempts.FREE + 1)
        ]
        assert answers == [200] * attempts.FREE + [429]


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "The username or the password is wrong."), ("zh-hans", "用户名或密码错误。")],
)
def test_wrong_password_is_said_in_both_languages(operator, language, words):
    client = Client(headers={"Accept-Language": language})
    values = {"username": operator.username, "password": "wrong"}
    assert words in client.post("/admin/login/", values).text


def test_strangers_on_a_dual_stack_socket_keep_no_operator_out(operator):
    stranger = "::ffff:198.51.100.7"
    answers = [
        try_to_sign_in(f"nobody {number}", "wrong", address=stranger).status_code
        for number in range(2 * attempts.FREE + 1)
    ]
    assert answers[-1] == 429
    assert try_to_sign_in(operator.username, RIGHT, address="::ffff:192.0.2.1").status_code == 302


def test_pause_ends_and_grows(operator):
    for _ in range(attempts.FREE):
        try_to_sign_in(operator.username, "wrong")
    SignInAttempts.objects.update(blocked_until=timezone.now() - timedelta(seconds=1))
    assert try_to_sign_in(operator.username, "wrong").status_code == 200
    assert longest_pause() == timedelta(seconds=30)
    assert 0 < int(try_to_sign_in(operator.username, "wrong").headers["Retry-After"]) <= 30


def test_right_password_after_the_pause_forgets_the_mistakes(operator):
    for _ in range(attempts.FREE):
        try_to_sign_in(operator.username, "wrong")
    SignInAttempts.objects.update(blocked_until=None)
    assert try_to_sign_in(operator.username, RIGHT).status_code == 302
    assert try_to_sign_in(operator.username, "wrong").status_code == 200


def test_one_address_cannot_go_on_with_other_names():
    answers = [
        try_to_sign_in(f"name-{number}", "wrong").status_code for number in range(2 * attempts.FREE + 1)
    ]
    assert answers == [200] * 2 * attempts.FREE + [429]


def test_ipv6_addresses_of_one_network_count_together():
    answers = [
        try_to_sign_in(f"name-{number}", "wrong", address=f"2001:db8::{number}").status_code
        for number in range(2 * attempts.FREE + 1)
    ]
    assert answers[-1] == 429


def test_one_name_is_slowed_from_many_addresses_but_not_in_a_browser_that_knows_it(operator):
    known = Client()
    assert try_to_sign_in(operator.username, RIGHT, client=known).status_code == 302
    known.post("/admin/logout/")
    for number in range(attempts.FREE_OF_NAME):
        try_to_sign_in(operator.username, "wrong", address=f"198.51.100.{number}")
    assert try_to_sign_in(operator.username, RIGHT, address="203.0.113.1").status_code == 429
    assert try_to_sign_in(operator.username, RIGHT, client=known).status_code == 302


def test_cookie_of_one_name_says_nothing_of_another(operator):
    browser = Client()
    try_to_sign_in(operator.username, RIGHT, client=browser)
    answers = [
        try_to_sign_in("other", "wrong", client=browser, address="192.0.2.9").status_code
        for _ in range(attempts.FREE + 1)
    ]
    assert answers[-1] == 429


def test_sign_in_failure_and_sign_out_are_in_the_audit_log(operator):
    client = Client()
    try_to_sign_in(operator.username, "wrong", client=client)
    try_to_sign_in("my-password-in-the-wrong-field", "x", client=client)
    try_to_sign_in(operator.username, RIGHT, client=client)
    client.post("/admin/logout/", REMOTE_ADDR="192.0.2.1")
    entries = list(AuditEntry.objects.order_by("id").values_list("action", "target", "address"))
    where = "192.0.2.1"
    assert entries == [
        ("operator.sign_in_failed", operator.username, where),
        ("operator.sign_in_failed", "", where),
        ("operator.signed_in", operator.username, where),
        ("operator.signed_out", operator.username, where),
    ]


def test_own_password_change_is_in_the_audit_log(operator):
    client = Client()
    try_to_sign_in(operator.username, RIGHT, client=client)
    new = {"old_password": RIGHT, "new_password1": "another-horse-1", "new_password2": "another-horse-1"}
    assert client.post("/admin/password_change/", new).status_code == 302
    assert AuditEntry.objects.filter(action="operator.password_changed", target=operator.username).exists()


def refusals() -> list[tuple[str, str, dict[str, str]]]:
    rows = AuditEntry.objects.filter(action="operator.sign_in_refused").order_by("id")
    return list(rows.values_list("target", "address", "detail"))


def test_first_refusal_of_each_pause_is_in_the_audit_log(operator):
    for _ in range(attempts.FREE):
        try_to_sign_in(operator.username, "wrong")
    assert refusals() == []
    for _ in range(3):
        assert try_to_sign_in(operator.username, RIGHT).status_code == 429
    noted = (operator.username, "192.0.2.1", {"reason": "too_many_attempts"})
    assert refusals() == [noted]
    SignInAttempts.objects.update(blocked_until=timezone.now() - timedelta(seconds=1))
    try_to_sign_in(operator.username, "wrong")
    for _ in range(3):
        assert try_to_sign_in(operator.username, RIGHT).status_code == 429
    assert refusals() == [noted, noted]


def test_refusal_of_an_unknown_name_does_not_repeat_it():
    for _ in range(attempts.FREE + 1):
        try_to_sign_in("my-password-in-the-wrong-field", "x")
    assert refusals() == [("", "192.0.2.1", {"reason": "too_many_attempts"})]


def test_sign_in_without_a_turn_for_its_password_is_in_the_audit_log(operator, monkeypatch):
    def no_turn(*_arguments, **_named):
        raise PasswordsBusyError

    monkeypatch.setattr("django.contrib.auth.backends.ModelBackend.authenticate", no_turn)
    monkeypatch.setattr(sign_in, "_busy", LogPace[str](every=3600))
    for _ in range(attempts.FREE + 1):
        assert try_to_sign_in(operator.username, RIGHT).status_code == 429
    assert refusals() == [(operator.username, "192.0.2.1", {"reason": "busy"})]


def test_sign_in_without_a_turn_for_its_password_is_nobodys_mistake(operator, monkeypatch):
    def no_turn(*_arguments, **_named):
        raise PasswordsBusyError

    for _ in range(attempts.FREE - 1):
        try_to_sign_in(operator.username, "wrong")
    with monkeypatch.context() as busy:
        busy.setattr("django.contrib.auth.backends.ModelBackend.authenticate", no_turn)
        for _ in range(3):
            assert try_to_sign_in(operator.username, RIGHT).status_code == 429
    assert try_to_sign_in(operator.username, RIGHT).status_code == 302


@pytest.mark.parametrize("hasher", [Argon2PasswordHasher, PBKDF2PasswordHasher])
def test_password_hash_of_other_costs_is_made_again_at_sign_in(operator, settings, hasher):
    settings.PASSWORD_HASHERS = [
        "core.access.passwords.Argon2",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]
    operator.password = former = hasher().encode(RIGHT, "saltsaltsalt")
    operator.save()
    assert try_to_sign_in(operator.username, "wrong").status_code == 200
    operator.refresh_from_db()
    assert operator.password == former
    assert try_to_sign_in(operator.username, RIGHT).status_code == 302
    operator.refresh_from_db()
    assert operator.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert try_to_sign_in(operator.username, RIGHT).status_code == 302
