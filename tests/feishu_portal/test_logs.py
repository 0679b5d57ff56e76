import io
import logging

import pytest
import structlog

from core.vault.redaction import MASK
from feishu_portal.logs import redact_event

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJvdSJ9.c2lnbmF0dXJl"


def test_address_of_the_request_that_django_logs_is_redacted(rf):
    request = rf.get("/oauth/callback/cli_1/?code=Zx_9-demo&state=st4te")
    written = str(redact_event(None, "", {"event": "Bad Request", "request": request}))
    assert "/oauth/callback/cli_1/" in written
    assert "Zx_9-demo" not in written
    assert "st4te" not in written


def test_codes_of_grants_are_masked_and_those_of_answers_are_kept():
    written = redact_event(None, "", {"event": "e", "code": "Zx_9-demo", "platform_code": 20003})
    assert written == {"event": "e", "code": MASK, "platform_code": 20003}


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
