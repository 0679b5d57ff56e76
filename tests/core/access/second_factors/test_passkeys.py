"""Passkeys sign in by themselves and in the second step; nothing else than a fresh signature for this page does."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.access import sessions
from core.access.models import OperatorSession, Passkey, PasskeyChallenge, User
from core.access.second_factors import passkeys
from core.access.tasks import prune
from tests.core.access.second_factors.authenticator import PRESENT, Authenticator
from tests.factories import make_operator

pytestmark = pytest.mark.django_db
OPTIONS, SIGN_IN = "/admin/login/passkey/options/", "/admin/login/passkey/"
ADD = "/admin/security/passkeys/"
SECOND = {"purpose": "second_step"}


@pytest.fixture
def operator() -> User:
    return make_operator()


@pytest.fixture
def authenticator(operator) -> Authenticator:
    """It has a passkey of the operator."""
    made = Authenticator()
    assert add(signed_in(operator), made).status_code == 200
    return made


def signed_in(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def options(browser: Client, address: str = OPTIONS, **values: str) -> dict[str, Any]:
    found: dict[str, Any] = browser.post(address, values).json()["options"]
    return found


def add(browser: Client, authenticator: Authenticator, **values: str) -> Any:
    made = authenticator.create(options(browser, f"{ADD}options/"))
    return browser.post(ADD, {"credential": made, "name": "Laptop", **values})


def is_signed_in(browser: Client) -> bool:
    return browser.get("/admin/").status_code == 200


def test_passkey_signs_in_by_itself(operator, authenticator):
    browser = Client()
    answer = browser.post(
        SIGN_IN, {"credential": authenticator.get(options(browser)), "next": "/admin/bots/bot/"}
    )
    assert (answer.status_code, answer.json()) == (200, {"next": "/admin/bots/bot/"})
    assert is_signed_in(browser)
    assert OperatorSession.objects.filter(user=operator, method="passkey").exists()


def test_it_counts_as_a_second_factor(operator, authenticator, settings):
    settings.SECOND_FACTOR = "everybody"
    browser = Client()
    browser.post(SIGN_IN, {"credential": authenticator.get(options(browser))})
    assert is_signed_in(browser)


def test_passkey_is_the_second_step_after_the_password(operator, authenticator):
    browser = Client()
    browser.post(
        "/admin/login/?next=/admin/bots/bot/", {"username": operator.username, "password": "correct horse"}
    )
    asked = options(browser, **SECOND)
    assert len(asked["allowCredentials"]) == 1
    answer = browser.post(SIGN_IN, {"credential": authenticator.get(asked), **SECOND})
    assert answer.json() == {"next": "/admin/bots/bot/"}
    assert is_signed_in(browser)


def test_second_step_takes_no_passkey_of_another_operator(operator, authenticator):
    other = Authenticator()
    add(signed_in(make_operator()), other)
    browser = Client()
    browser.post("/admin/login/", {"username": operator.username, "password": "correct horse"})
    assert (
        browser.post(SIGN_IN, {"credential": other.get(options(browser, **SECOND)), **SECOND}).status_code
        == 400
    )
    assert not is_signed_in(browser)


def test_passkey_confirms_a_sign_in(operator, authenticator):
    browser = signed_in(operator)
    session = browser.session
    session["_confirmed"] = 0
    session.save()
    assert browser.post(f"{ADD}options/").status_code == 403
    asked = options(browser, "/admin/security/confirm/passkey/options/")
    answer = browser.post("/admin/security/confirm/passkey/", {"credential": authenticator.get(asked)})
    assert answer.json() == {"next": "/admin/security/"}
    assert browser.post(f"{ADD}options/").status_code == 200


def test_challenge_is_used_once(authenticator):
    browser = Client()
    signed = authenticator.get(options(browser))
    assert browser.post(SIGN_IN, {"credential": signed}).status_code == 200
    browser.post("/admin/logout/")
    assert browser.post(SIGN_IN, {"credential": signed}).status_code == 400
    assert not is_signed_in(browser)


def test_challenge_is_for_its_own_session(authenticator):
    browser, thief = Client(), Client()
    options(thief)
    signed = authenticator.get(options(browser))
    assert thief.post(SIGN_IN, {"credential": signed}).status_code == 400
    assert browser.post(SIGN_IN, {"credential": signed}).status_code == 200


def test_challenge_is_for_its_own_purpose(operator, authenticator):
    browser = signed_in(operator)
    asked = options(browser, "/admin/security/confirm/passkey/options/")
    assert browser.post(SIGN_IN, {"credential": authenticator.get(asked)}).status_code == 400


def test_challenge_ends_after_minutes_and_goes(authenticator):
    browser = Client()
    signed = authenticator.get(options(browser))
    PasskeyChallenge.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert browser.post(SIGN_IN, {"credential": signed}).status_code == 400
    prune()
    assert not PasskeyChallenge.objects.exists()


def test_session_has_one_challenge_of_a_kind(authenticator):
    browser = Client()
    former = options(browser)
    options(browser)
    assert PasskeyChallenge.objects.filter(purpose="sign_in").count() == 1
    assert browser.post(SIGN_IN, {"credential": authenticator.get(former)}).status_code == 400


@pytest.mark.parametrize("lie", ["origin", "host", "not_verified", "other_key", "handle", "unknown"])
def test_signature_for_another_page_or_without_the_person_is_refused(authenticator, lie):
    browser = Client()
    asked = options(browser)
    if lie == "origin":
        authenticator.origin = "http://evil.example"
    elif lie == "host":
        asked["rpId"] = "evil.example"
    elif lie == "not_verified":
        authenticator.flags = PRESENT
    elif lie == "other_key":
        authenticator.key = Authenticator().key
    elif lie == "handle":
        authenticator.handle = b"somebody else"
    else:
        authenticator.id = bytes(32)
    assert browser.post(SIGN_IN, {"credential": authenticator.get(asked)}).status_code == 400
    assert not is_signed_in(browser)


def test_counter_that_does_not_go_on_is_a_copy(authenticator):
    authenticator.count = 7
    first, second = Client(), Client()
    assert first.post(SIGN_IN, {"credential": authenticator.get(options(first))}).status_code == 200
    assert second.post(SIGN_IN, {"credential": authenticator.get(options(second))}).status_code == 400
    authenticator.count = 8
    assert second.post(SIGN_IN, {"credential": authenticator.get(options(second))}).status_code == 200


@pytest.mark.parametrize("credential", ["", "{}", "[]", "x", "null", "9" * 20_000, '{"id": 1}', "\ud800"])
def test_what_is_no_credential_is_refused(operator, credential):
    assert Client().post(SIGN_IN, {"credential": credential.encode(errors="replace")}).status_code == 400
    assert (
        signed_in(operator).post(ADD, {"credential": credential.encode(errors="replace")}).status_code == 400
    )


def test_malformed_parts_are_refused(authenticator):
    browser = Client()
    good = json.loads(authenticator.get(options(browser)))
    for name in good["response"]:
        for value in ("", "AAAA", 7, None, "!!!"):
            bad = good | {"response": good["response"] | {name: value}}
            if name == "userHandle" and value is None:
                continue  # an authenticator may leave it out
            answer = browser.post(SIGN_IN, {"credential": json.dumps(bad)})
            assert answer.status_code == 400
    assert not is_signed_in(browser)


@pytest.mark.parametrize(("right", "lost"), [("is_active", False), ("role", "")])
def test_operator_without_access_is_refused(operator, authenticator, right, lost):
    setattr(operator, right, lost)
    operator.save()
    browser = Client()
    assert browser.post(SIGN_IN, {"credential": authenticator.get(options(browser))}).status_code == 400
    assert not is_signed_in(browser)


def test_registration_needs_verification_and_is_done_once(operator):
    browser, made = signed_in(operator), Authenticator()
    made.flags = PRESENT
    assert add(browser, made).status_code == 400
    made.flags = Authenticator().flags
    assert add(browser, made).json() == {"next": "/admin/security/codes/"}
    assert add(browser, made).status_code == 400
    assert [(one.name, one.host) for one in Passkey.objects.all()] == [("Laptop", "portal.test")]
    assert "Laptop" in browser.get("/admin/security/").text


def test_passkeys_of_one_operator_share_their_handle(operator):
    browser, first, second = signed_in(operator), Authenticator(), Authenticator()
    add(browser, first)
    add(browser, second)
    assert first.handle == second.handle
    assert len({bytes(one.user_handle) for one in Passkey.objects.all()}) == 1


def test_account_has_a_bounded_number_of_passkeys(operator, authenticator, monkeypatch):
    monkeypatch.setattr(passkeys, "MAX_PASSKEYS", 1)
    answer = signed_in(operator).post(f"{ADD}options/")
    assert (answer.status_code, "options" in answer.json()) == (400, False)


def test_removed_passkey_opens_nothing(operator, authenticator):
    browser = signed_in(operator)
    key = Passkey.objects.get().pk
    assert (
        signed_in(make_operator()).post(f"/admin/security/factors/passkey/{key}/remove/").status_code == 404
    )
    assert browser.post(f"/admin/security/factors/passkey/{key}/remove/").status_code == 302
    other = Client()
    assert other.post(SIGN_IN, {"credential": authenticator.get(options(other))}).status_code == 400


def test_strangers_who_begin_to_sign_in_pile_up_nothing(operator, authenticator, monkeypatch):
    """Passkey challenges and the sessions made for them: the oldest go, and those of operators stay."""
    for module in (passkeys, sessions):
        monkeypatch.setattr(module, "MAX_STRANGERS", 3)
    own = signed_in(operator)
    asked = options(own, f"{ADD}options/")
    browsers = [Client() for _ in range(5)]
    signing_in = [options(browser) for browser in browsers]
    assert PasskeyChallenge.objects.filter(user=None).count() == 3
    assert OperatorSession.objects.filter(user=None).count() == 3
    answers = [
        browser.post(SIGN_IN, {"credential": authenticator.get(asked_for)}).status_code
        for browser, asked_for in zip(browsers, signing_in, strict=True)
    ]
    assert [status == 200 for status in answers] == [False, False, True, True, True]
    assert own.post(ADD, {"credential": Authenticator().create(asked), "name": "Phone"}).status_code == 200
