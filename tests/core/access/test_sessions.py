"""What the database holds of a login opens none, and logins end."""

import time

import pytest
from django.conf import settings as current
from django.test import Client

from core.access.models import OperatorSession
from tests.factories import make_operator

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in() -> Client:
    client = Client()
    client.force_login(make_operator())
    return client


def is_signed_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


@pytest.mark.parametrize("stored", [True, False])
def test_stored_key_opens_nothing(signed_in, stored):
    copy = Client()
    row = OperatorSession.objects.get().session_key
    key = row if stored else signed_in.cookies[current.SESSION_COOKIE_NAME].value
    copy.cookies[current.SESSION_COOKIE_NAME] = key
    assert is_signed_in(copy) is not stored


@pytest.mark.parametrize(("key", "status"), [("a\0b" * 8, 400), ("ü" * 40, 302), ("x" * 5000, 302)])
def test_cookie_that_is_no_key_is_nobody(key, status):
    client = Client()
    client.cookies[current.SESSION_COOKIE_NAME] = key
    assert client.get("/admin/").status_code == status


def test_signing_out_deletes_the_login(signed_in):
    signed_in.post("/admin/logout/")
    assert not OperatorSession.objects.exists()


def age(client: Client, seconds: float, *, seen: float) -> None:
    """Make the login ``seconds`` old, and its last page ``seen`` seconds."""
    session = client.session
    session["_started"], session["_seen"] = time.time() - seconds, time.time() - seen
    session.save()


def test_login_ends_at_its_age_although_it_is_used(signed_in, settings):
    age(signed_in, settings.SESSION_COOKIE_AGE + 1, seen=0)
    assert not is_signed_in(signed_in)


def test_login_lasts_no_longer_than_its_idle_time(signed_in, settings):
    settings.LOGIN_IDLE_SECONDS = 600
    age(signed_in, 100, seen=100)
    left = OperatorSession.objects.get().expire_date.timestamp() - time.time()
    assert 500 < left <= 601


def test_page_puts_off_the_idle_end(signed_in, settings):
    settings.LOGIN_IDLE_SECONDS = 600
    age(signed_in, 100, seen=100)
    OperatorSession.objects.update(session_data=OperatorSession.objects.get().session_data)
    before = OperatorSession.objects.get().expire_date
    assert is_signed_in(signed_in)
    assert OperatorSession.objects.get().expire_date > before
