import io
import logging

import pytest
import structlog

from feishu_portal.logs import redact_event, redact_text

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJvdSJ9.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"token {JWT} refused", JWT),
        ("Authorization: Bearer t-g1044ghJK2345678901", "t-g1044ghJK2345678901"),
        ("wss://host/ws/v2?device_id=1&access_key=abcdef&service_id=3&ticket=7c0a3c1e", "7c0a3c1e"),
        ("GET /oauth/callback/cli_1/?code=Zx_9-demo&state=abc", "Zx_9-demo"),
        ("GET /oauth/start/q1w2e3r4t5y6u7i8o9p0/", "q1w2e3r4t5y6u7i8o9p0"),
        ("key fp_1a2b3c4d_0123456789abcdefXYZ", "0123456789abcdefXYZ"),
        ("ur-oldstyle12345678901234", "ur-oldstyle12345678901234"),
    ],
)
def test_secret_in_a_sentence_is_redacted(text, secret):
    assert secret not in redact_text(text)


def test_ordinary_sentence_stays_as_it_is():
    text = "connection_up app_id=cli_a1b2c3d4e5f60718 code=99991663 state=connected om_1"
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "key",
    [
        "app_secret",
        "password",
        "Authorization",
        "refresh_token",
        "access_token",
        "code_verifier",
        "ticket",
        "cookie",
    ],
)
def test_value_under_a_secret_key_is_redacted(key):
    assert "s3cret" not in str(redact_event(None, "", {"event": "e", key: "s3cret"}))
    assert "s3cret" not in str(redact_event(None, "", {"event": "e", "nested": {key: "s3cret"}}))


def test_address_of_the_request_that_django_logs_is_redacted(rf):
    request = rf.get("/oauth/callback/cli_1/?code=Zx_9-demo&state=st4te")
    written = str(redact_event(None, "", {"event": "Bad Request", "request": request}))
    assert "/oauth/callback/cli_1/" in written
    assert "Zx_9-demo" not in written
    assert "st4te" not in written


def test_bytes_under_a_secret_key_are_redacted():
    assert "s3cret" not in str(redact_event(None, "", {"event": "e", "app_secret": b"s3cret"}))


def test_numbers_that_explain_are_kept():
    assert redact_event(None, "", {"event": "e", "code": 20003, "platform_code": 20003})["code"] == 20003


@pytest.mark.parametrize(
    "write", [logging.getLogger("feishu.test").warning, structlog.get_logger("portal").warning]
)
def test_what_any_logger_writes_is_redacted(write):
    stream, handler = io.StringIO(), logging.getLogger().handlers[0]
    formatted = logging.StreamHandler(stream)
    formatted.setFormatter(next(h.formatter for h in [handler, *logging.getLogger().handlers] if h.formatter))
    logging.getLogger().addHandler(formatted)
    try:
        write(f"sent {JWT}")
    finally:
        logging.getLogger().removeHandler(formatted)
    assert "sent" in stream.getvalue()
    assert JWT not in stream.getvalue()
