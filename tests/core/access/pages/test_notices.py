"""Operators try whether notices reach them, and administrators for others."""

import pytest
from django.test import Client

from core.access.models import AuditEntry
from core.access.roles import Role
from tests.console.rows import messages_of, signed_in
from tests.factories import make_operator

pytestmark = pytest.mark.django_db
PAGE, ADDRESS = "/admin/security/", "/admin/security/notices/"


def with_address(role: Role) -> Client:
    user = make_operator()
    user.email, user.role = "lin@example.com", role
    user.save()
    return signed_in(user)


@pytest.mark.parametrize("role", Role)
def test_every_operator_sends_a_test_to_their_own_address(role, settings, mailoutbox):
    settings.EMAIL_IS_SET_UP = True
    browser = with_address(role)
    assert "lin@example.com" in browser.get(PAGE).text
    page = browser.post(ADDRESS, follow=True)
    assert [message.to for message in mailoutbox] == [["lin@example.com"]]
    assert messages_of(page) == ["E-mail, lin@example.com: taken for delivery"]
    assert AuditEntry.objects.filter(action="operator.notice_tested").count() == 1


def test_second_test_waits_for_a_while(settings, mailoutbox):
    settings.EMAIL_IS_SET_UP = True
    browser = with_address(Role.VIEWER)
    browser.post(ADDRESS)
    assert "a moment ago" in messages_of(browser.post(ADDRESS, follow=True))[-1]
    assert len(mailoutbox) == 1


def test_operator_without_an_address_is_told():
    browser = signed_in(make_operator())
    assert ADDRESS not in browser.get(PAGE).text
    assert messages_of(browser.post(ADDRESS, follow=True)) == [
        "Neither an e-mail address nor a Feishu account is set for this operator."
    ]
