"""Signing in with an authenticator app: codes work once, mistakes are counted, and the password alone opens nothing."""

import base64
import time
from datetime import timedelta

import pytest
from django.conf import settings as current
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_otp.oath import TOTP

from core.access import attempts
from core.access.models import AuditEntry, OperatorSession, RecoveryCode, SignInAttempts, TotpDevice, User
from core.access.second_factors import recovery_codes, totp
from core.access.second_factors.errors import FactorLimitError
from core.access.tasks import prune
from tests.factories import make_operator

pytestmark = pytest.mark.django_db
STEP = "/admin/login/second-step/"
LATER = 30
"""Seconds until the next code."""


@pytest.fixture
def operator() -> User:
    return make_operator()


@pytest.fixture
def device(operator) -> TotpDevice:
    made = totp.begin(operator)
    made.confirmed_at = timezone.now()
    made.save()
    return made


def code_of(device: TotpDevice, *, later: float = 0) -> str:
    clock = TOTP(base64.b32decode(device.secret))
    clock.time = time.time() + later
    return f"{clock.token():06}"


def after_password(
    user: User, *, page: str = "/admin/", password: str = "correct horse"
) -> tuple[Client, str]:
    """A browser in which the password was given, and where it was led."""
    browser = Client(headers={"Accept-Language": "en"})
    form = {"username": user.username, "password": password}
    answer = browser.post(f"/admin/login/?next={page}", form, REMOTE_ADDR="192.0.2.1")
    return browser, answer.headers.get("Location", "")


def is_signed_in(browser: Client) -> bool:
    return browser.get("/admin/").status_code == 200


def test_password_alone_opens_nothing_and_the_code_does(operator, device):
    browser, led_to = after_password(operator, page="/admin/bots/bot/")
    assert led_to == STEP
    assert not is_signed_in(browser)
    assert browser.get(STEP).status_code == 200
    answer = browser.post(STEP, {"code": code_of(device)})
    assert answer.headers["Location"] == "/admin/bots/bot/"
    assert is_signed_in(browser)
    assert OperatorSession.objects.get(user=operator).method == "second_factor"
    assert AuditEntry.objects.get(action="operator.signed_in").detail == {"method": "second_factor"}


@pytest.mark.parametrize("page", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_other_hosts_are_not_where_signing_in_leads(operator, device, page):
    browser, _led_to = after_password(operator, page=page)
    assert browser.post(STEP, {"code": code_of(device)}).headers["Location"] == "/admin/"


def test_wrong_password_is_not_asked_for_a_code(operator, device):
    browser, led_to = after_password(operator, password="wrong")
    assert led_to == ""
    assert browser.post(STEP, {"code": code_of(device)}).headers["Location"] == "/admin/login/"
    assert not is_signed_in(browser)


def test_code_works_once(operator, device):
    code = code_of(device)
    assert totp.accept(operator, code)
    assert not totp.accept(operator, code)
    assert not totp.accept(operator, code_of(device, later=-LATER))
    assert totp.accept(operator, code_of(device, later=LATER))


@pytest.mark.parametrize(
    ("later", "is_right"), [(-LATER, True), (0, True), (LATER, True), (-3 * LATER, False), (3 * LATER, False)]
)
def test_clock_may_be_one_step_off(operator, device, later, is_right):
    assert totp.accept(operator, code_of(device, later=later)) is is_right


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "abcdef", "１２３４５６", "12 34", "-12345", "\x00" * 6]
)
def test_what_is_no_code_is_refused(operator, device, code):
    assert not totp.accept(operator, code)


def test_code_of_another_operator_is_refused(device):
    assert not totp.accept(make_operator(), code_of(device))


@pytest.mark.parametrize("typed", [" {} {}", "{}-{}", "\u200b{}{}", "{}\u3000{}"])
def test_code_may_be_written_as_people_write_it(operator, device, typed):
    code = code_of(device)
    assert totp.accept(operator, typed.format(code[:3], code[3:]))


def test_code_may_be_typed_on_a_chinese_keyboard(operator, device):
    wide = code_of(device).translate({ord("0") + digit: chr(ord("０") + digit) for digit in range(10)})
    assert totp.accept(operator, wide)


def test_mistakes_have_to_wait_as_those_of_passwords(operator, device):
    browser, _led_to = after_password(operator)
    for _ in range(attempts.FREE):
        assert "wrong, or was used" in browser.post(STEP, {"code": "000000"}).text
    refused = browser.post(STEP, {"code": code_of(device)})
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 15
    assert f"{refused.headers['Retry-After']} s" in refused.text
    assert (
        AuditEntry.objects.filter(action="operator.second_factor_failed", target=operator.username).count()
        == attempts.FREE
    )
    # Giving the password again, in another browser as well, does not start again.
    other, _led_to = after_password(operator)
    assert other.post(STEP, {"code": code_of(device)}).status_code == 429
    SignInAttempts.objects.update(blocked_until=None)
    assert other.post(STEP, {"code": code_of(device)}).status_code == 302


def test_known_browser_does_not_wait_for_the_mistakes_of_who_knows_the_password(operator, device):
    known, _led_to = after_password(operator)
    known.post(STEP, {"code": code_of(device)})
    known.post("/admin/logout/")
    thief, _led_to = after_password(operator)
    for _ in range(attempts.FREE + 1):
        refused = thief.post(STEP, {"code": "000000"})
    assert refused.status_code == 429
    known.post("/admin/login/", {"username": operator.username, "password": "correct horse"})
    assert known.post(STEP, {"code": code_of(device, later=LATER)}).status_code == 302


@pytest.mark.parametrize("change", ["password", "time", "rights"])
def test_second_step_ends_with_a_new_password_after_minutes_and_without_rights(operator, device, change):
    browser, _led_to = after_password(operator)
    if change == "password":
        operator.set_password("another-horse-1")
    elif change == "rights":
        operator.role = ""
    else:
        session = browser.session
        session["_second_step"]["at"] -= 601
        session.save()
    operator.save()
    assert browser.post(STEP, {"code": code_of(device)}).headers["Location"] == "/admin/login/"
    assert not is_signed_in(browser)


def test_session_gets_another_key_at_each_step(operator, device):
    browser = Client()
    browser.post("/admin/login/passkey/options/")
    keys = [browser.cookies[current.SESSION_COOKIE_NAME].value]
    browser.post("/admin/login/", {"username": operator.username, "password": "correct horse"})
    keys.append(browser.cookies[current.SESSION_COOKIE_NAME].value)
    browser.post(STEP, {"code": code_of(device)})
    keys.append(browser.cookies[current.SESSION_COOKIE_NAME].value)
    assert len(set(keys)) == 3


def test_secret_is_sealed_in_the_database(device):
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM access_totpdevice")
        [(stored,)] = cursor.fetchall()
    assert stored
    assert device.secret not in stored


def test_one_account_has_few_apps(operator):
    for _ in range(totp.MAX_DEVICES):
        made = totp.begin(operator)
        assert totp.confirm(made, code_of(made), name="Phone")
    with pytest.raises(FactorLimitError):
        totp.begin(operator)


def test_app_that_was_never_confirmed_counts_for_nothing_and_goes_after_a_day(operator):
    made = totp.begin(operator)
    assert not totp.accept(operator, code_of(made))
    assert after_password(operator)[1] == "/admin/"
    TotpDevice.objects.update(created_at=timezone.now() - timedelta(hours=25))
    prune()
    assert not TotpDevice.objects.exists()


# --- setting it up


def test_app_is_set_up_with_its_first_code_and_recovery_codes_follow(operator):
    browser, _led_to = after_password(operator)
    assert browser.post("/admin/security/app/begin/").headers["Location"] == "/admin/security/app/"
    device = TotpDevice.objects.get()
    page = browser.get("/admin/security/app/")
    assert device.secret in page.text
    assert "no-store" in page.headers["Cache-Control"]
    assert "The code is wrong" in browser.post("/admin/security/app/", {"code": "000000"}).text
    done = browser.post("/admin/security/app/", {"code": code_of(device), "name": "Phone"})
    assert done.headers["Location"] == "/admin/security/codes/"
    assert "Phone" in browser.get("/admin/security/").text
    assert device.secret not in browser.get("/admin/security/").text
    codes = browser.post("/admin/security/codes/").context["codes"]
    assert len(codes) == recovery_codes.COUNT
    assert not any(code in browser.get("/admin/security/codes/").text for code in codes)
    assert after_password(operator)[1] == STEP


def test_sign_in_that_is_not_fresh_is_confirmed_first(operator, device):
    browser, _led_to = after_password(operator)
    browser.post(STEP, {"code": code_of(device)})
    session = browser.session
    session["_confirmed"] -= 601
    session.save()
    remove = f"/admin/security/factors/totp/{device.pk}/remove/"
    for address in ("/admin/security/app/begin/", "/admin/security/codes/", remove):
        assert browser.post(address).headers["Location"].startswith("/admin/security/confirm/?next=")
    assert TotpDevice.objects.exists()
    confirm = "/admin/security/confirm/?next=/admin/security/codes/"
    assert "The password is wrong." in browser.post(confirm, {"password": "wrong"}).text
    assert (
        browser.post(confirm, {"password": "correct horse"}).headers["Location"] == "/admin/security/codes/"
    )
    assert browser.post(remove).headers["Location"] == "/admin/security/"
    assert not TotpDevice.objects.exists()


def test_confirmation_leads_to_no_other_host(operator):
    browser, _led_to = after_password(operator)
    answer = browser.post(
        "/admin/security/confirm/?next=https://evil.example/", {"password": "correct horse"}
    )
    assert answer.headers["Location"] == "/admin/security/"


def test_factor_of_another_operator_is_not_there(operator, device):
    browser, _led_to = after_password(make_operator())
    assert browser.post(f"/admin/security/factors/totp/{device.pk}/remove/").status_code == 404
    assert browser.post(f"/admin/security/factors/other/{device.pk}/remove/").status_code == 404
    assert TotpDevice.objects.exists()


# --- recovery codes


def test_recovery_code_signs_in_once(operator, device):
    code, *_others = recovery_codes.make_codes(operator)
    browser, _led_to = after_password(operator)
    assert browser.post(STEP, {"code": code.upper().replace("-", " ")}).status_code == 302
    assert recovery_codes.count_unused(operator) == recovery_codes.COUNT - 1
    again, _led_to = after_password(operator)
    assert again.post(STEP, {"code": code}).status_code == 200


def test_new_recovery_codes_end_the_former(operator):
    former, *_others = recovery_codes.make_codes(operator)
    newer, *_others = recovery_codes.make_codes(operator)
    assert not recovery_codes.accept(operator, former)
    assert not recovery_codes.accept(make_operator(), newer)
    assert recovery_codes.accept(operator, newer)


def test_recovery_codes_are_stored_as_digests(operator):
    codes = recovery_codes.make_codes(operator)
    assert not set(codes) & set(RecoveryCode.objects.values_list("digest", flat=True))


def test_recovery_codes_go_with_the_last_factor(operator, device):
    recovery_codes.make_codes(operator)
    browser, _led_to = after_password(operator)
    browser.post(STEP, {"code": code_of(device)})
    browser.post(f"/admin/security/factors/totp/{device.pk}/remove/")
    assert not RecoveryCode.objects.exists()
