"""A test notice is bounded, audited, and says what the other side answered."""

from typing import Any

import pytest
from django.core import mail

from core.access import notice_test
from core.access.models import AuditEntry, User
from core.access.roles import Role
from tests.console.notices import answers_to, make_addressee
from tests.console.rows import page_of, signed_in
from tests.factories import make_operator

pytestmark = pytest.mark.django_db


@pytest.fixture
def lin(settings) -> User:
    settings.EMAIL_IS_SET_UP = True
    return make_addressee()


@pytest.fixture
def root() -> Any:
    return signed_in(make_operator("root", role=Role.ADMINISTRATOR))


def test_mail_is_sent_audited_and_not_again_at_once(root, lin):
    [message] = answers_to(root, lin)
    assert "lin@corp.example.com" in message
    assert len(mail.outbox) == 1
    entry = AuditEntry.objects.get(action=notice_test.ACTION)
    assert (entry.actor, entry.target) == ("operator:root", "lin")
    [message] = answers_to(root, lin)
    assert "half a minute" in message
    assert len(mail.outbox) == 1


def test_operator_without_a_channel_is_told_so(root):
    [message] = answers_to(root, make_operator("nobody"))
    assert "Neither an e-mail address nor a Feishu account" in message


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR, Role.VIEWER])
def test_only_administrators_test(role, lin):
    answer = signed_in(make_operator(role=role)).post(page_of("access_user", lin, "test_notices"))
    assert answer.status_code in {403, 404}
    assert not mail.outbox
