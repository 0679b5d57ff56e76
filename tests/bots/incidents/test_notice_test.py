"""What the mail server or the platform answered to a test notice is said in words."""

import smtplib
from typing import Any

import pytest
from django.core import mail

from core.access.models import User
from core.access.roles import Role
from tests.console.notices import answers_to, make_addressee
from tests.console.rows import signed_in
from tests.factories import make_operator

pytestmark = pytest.mark.django_db


@pytest.fixture
def lin(settings) -> User:
    settings.EMAIL_IS_SET_UP = True
    return make_addressee()


@pytest.fixture
def root() -> Any:
    return signed_in(make_operator("root", role=Role.ADMINISTRATOR))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (smtplib.SMTPAuthenticationError(535, b"5.7.8 no"), "refused the name or the password"),
        (
            smtplib.SMTPRecipientsRefused({"lin@corp.example.com": (550, b"no such user")}),
            "takes no mail for this address",
        ),
        (TimeoutError("timed out"), "did not answer in time"),
        (ConnectionRefusedError(111, "refused"), "cannot be reached"),
    ],
)
def test_mail_servers_answer_is_said_in_words(root, lin, monkeypatch, error, words):
    def refuse(*_arguments: object, **_named: object) -> None:
        raise error

    monkeypatch.setattr("django.core.mail.message.EmailMessage.send", refuse)
    [message] = answers_to(root, lin)
    assert words in message


def test_mail_that_is_not_set_up_and_a_bot_that_is_missing_are_said(root, lin, settings):
    settings.EMAIL_IS_SET_UP = False
    User.objects.filter(pk=lin.pk).update(feishu_address="lin@corp.example.com")
    assert {"EMAIL_URL is not set" in one or "no healthy bot" in one for one in answers_to(root, lin)} == {
        True
    }
    assert not mail.outbox
