"""Where the setting demands a second factor, a session that has seen none opens nothing but the pages for it; administrators
reset the factors of who has lost them."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from core.access.models import AuditEntry, OperatorSession, TotpDevice, User
from core.access.second_factors import recovery_codes, totp
from core.console.live.viewers import viewer_of
from tests.core.console.live.browser import cookie_of
from tests.factories import make_operator

pytestmark = pytest.mark.django_db


def with_app(user: User) -> User:
    device = totp.begin(user)
    device.confirmed_at = timezone.now()
    device.save()
    return user


def browser_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


@pytest.mark.parametrize(
    ("setting", "superuser", "is_led"),
    [
        ("off", True, False),
        ("administrators", False, False),
        ("administrators", True, True),
        ("everybody", False, True),
        ("everybody", True, True),
    ],
)
def test_setting_says_who_is_led_to_set_one_up(settings, setting, superuser, is_led):
    settings.SECOND_FACTOR = setting
    browser = browser_of(make_operator(superuser=superuser))
    answer = browser.get("/admin/bots/bot/")
    assert (answer.status_code, answer.headers.get("Location")) == (
        (302, "/admin/security/") if is_led else (200, None)
    )
    assert ('data-testid="factor-due"' in browser.get("/admin/security/").text) is is_led


def test_until_then_neither_pages_nor_routes_nor_sockets_are_open(settings):
    settings.SECOND_FACTOR = "everybody"
    user = make_operator()
    browser = browser_of(user)
    for address in ("/admin/", "/admin/connections/", "/admin/password_change/", "/admin/search/?s=x"):
        assert browser.get(address).headers["Location"] == "/admin/security/"
    assert browser.get("/api/feishu/ws/status").status_code == 401
    scope = {"headers": [(b"cookie", cookie_of(user).encode())]}
    assert viewer_of(scope) is None
    settings.SECOND_FACTOR = "off"
    assert viewer_of(scope) is not None
    assert browser.get("/api/feishu/ws/status").status_code == 200


def test_who_has_a_factor_gives_it_and_can_neither_add_nor_remove_one_before(settings):
    settings.SECOND_FACTOR = "everybody"
    user = with_app(make_operator())
    code, *_others = recovery_codes.make_codes(user)
    browser = browser_of(user)
    device = TotpDevice.objects.get()
    for address in (
        "/admin/security/app/begin/",
        f"/admin/security/factors/totp/{device.pk}/remove/",
        "/admin/security/codes/",
    ):
        assert browser.post(address).headers["Location"] == "/admin/security/confirm/"
    # The password is what signed in already.
    browser.post("/admin/security/confirm/", {"password": "correct horse"})
    assert browser.get("/admin/").status_code == 302
    assert browser.post("/admin/security/confirm/", {"code": code}).status_code == 302
    assert browser.get("/admin/").status_code == 200


def test_administrator_resets_factors_and_sessions_end():
    user = with_app(make_operator())
    recovery_codes.make_codes(user)
    theirs, boss = browser_of(user), browser_of(make_operator(superuser=True))
    address = f"/admin/security/operators/{user.pk}/"
    assert 'data-testid="reset-factors"' in boss.get(address).text
    assert boss.post(f"{address}reset/").status_code == 302
    assert not TotpDevice.objects.exists()
    assert recovery_codes.count_unused(user) == 0
    assert theirs.get("/admin/").status_code == 302
    assert not OperatorSession.objects.filter(user=user).exists()
    assert AuditEntry.objects.get(action="operator.factors_reset").target == user.username


def test_operator_cannot_reset_others_and_administrators_not_their_own():
    user, boss = with_app(make_operator()), with_app(make_operator(superuser=True))
    assert browser_of(make_operator()).post(f"/admin/security/operators/{user.pk}/reset/").status_code == 404
    assert browser_of(boss).post(f"/admin/security/operators/{boss.pk}/reset/").status_code == 403
    assert TotpDevice.objects.count() == 2


def test_command_lets_the_last_administrator_in_again():
    user = with_app(make_operator(superuser=True))
    browser = browser_of(user)
    call_command("resetfactors", user.username, stdout=io.StringIO())
    assert not TotpDevice.objects.exists()
    assert browser.get("/admin/").status_code == 302
    assert AuditEntry.objects.get(action="operator.factors_reset").actor == "command:resetfactors"
    for name in (user.username, "nobody"):
        with pytest.raises(CommandError, match=name):
            call_command("resetfactors", name)
