"""Why a notice did not arrive, as it is stored and as it is read."""

import smtplib

import pytest
from django.utils import translation

from bots.incidents.failures import in_words, of_mail, of_message
from core.vault.keyring import SealedValueError
from feishu.errors import APIError, TransportError


@pytest.mark.parametrize(
    ("failure", "kind", "english", "chinese"),
    [
        (
            of_mail(smtplib.SMTPRecipientsRefused({})),
            "mail_recipient",
            "for this address",
            "不接收发往该地址",
        ),
        (of_mail(smtplib.SMTPDataError(554, b"spam")), "mail_refused", "refused the mail", "拒绝了邮件"),
        (of_mail(smtplib.SMTPServerDisconnected("bye")), "mail_unreachable", "cannot be reached", "无法连接"),
        (of_mail(TimeoutError("timed out")), "mail_timeout", "in time", "未及时响应"),
        (of_mail(ValueError("no header")), "mail_invalid", "not valid", "地址无效"),
        (of_message(APIError("no", code=10014), app_id="cli_1"), "10014", "App Secret", "App Secret"),
        (of_message(APIError("no", http_status=502), app_id="cli_1"), "http", "without a code", "错误码"),
        (of_message(TransportError("gone"), app_id="cli_1"), "unreachable", "reach", "连接"),
        (of_message(SealedValueError("key"), app_id="cli_1"), "sealed", "key", "密钥"),
    ],
)
def test_failure_is_stored_by_its_kind_and_read_in_both_languages(failure, kind, english, chinese):
    stored = str(failure)
    assert stored.startswith(f"{kind}: ")
    for language, expected in (("en", english), ("zh-hans", chinese)):
        with translation.override(language):
            words, answer = in_words(stored)
        assert expected in words
        assert f"{kind}: {answer}" == stored
        assert answer not in words


def test_failure_without_an_answer_and_one_of_no_known_kind():
    with translation.override("zh-hans"):
        assert in_words("no_bot") == ("没有可用于发送的正常机器人", "")
        assert in_words("Oops: what") == ("通知未能发送。", "Oops: what")


def test_failure_of_what_is_sent_once_promises_no_retry():
    stored = str(of_message(TransportError("gone"), app_id="cli_1"))
    for language, promise in (("en", "retried automatically"), ("zh-hans", "自动重试")):
        with translation.override(language):
            assert promise in in_words(stored)[0]
            assert promise not in in_words(stored, is_retried=False)[0]
