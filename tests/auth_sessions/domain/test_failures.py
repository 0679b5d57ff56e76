"""What is kept of a failed call, and what is not."""

import pytest

from auth_sessions.domain.failures import MAX_EXCERPT, MAX_SAID, Failure, legible
from feishu.errors import MalformedAnswer, OAuthError, TransportError
from feishu.reasons import Reason

SECRET = "aVeryLongAndOpaqueValue0123456789"


def test_words_and_status_are_kept_and_a_code_needs_no_reason() -> None:
    error = OAuthError(code=20037, error="invalid_grant", error_description="it has expired", http_status=400)

    assert Failure.of(error) == Failure(400, "", "invalid_grant: it has expired")


def test_kind_of_a_transport_error_is_kept() -> None:
    failure = Failure.of(TransportError("ReadTimeout: slow", reason=Reason.TIMEOUT))

    assert failure == Failure(None, Reason.TIMEOUT, "ReadTimeout: slow")


@pytest.mark.parametrize(
    "excerpt",
    [
        f'{{"code": 0, "data": {{"access_token": "{SECRET}"}}}}',
        f'{{"code": 0, "result": {{"at": "{SECRET}"}}}}',
        f"<html><input name=code value='{SECRET}'></html>",
        f"access_token={SECRET}&expires_in=7200",
        '{"refresh_token": "short"',
    ],
)
def test_answer_that_cannot_be_read_shows_no_token(excerpt: str) -> None:
    said = Failure.of(MalformedAnswer("odd", excerpt=excerpt)).said

    assert SECRET not in said
    assert "short" not in said


def test_page_is_put_on_one_line_and_cut() -> None:
    assert legible("<html>\n  <title>Sign in</title>\n") == "<html> <title>Sign in</title>"
    assert len(legible("word " * 10_000)) == MAX_EXCERPT
    assert len(Failure.of(MalformedAnswer("word " * 999, excerpt="page " * 999)).said) <= MAX_SAID


def test_what_no_column_takes_is_not_kept() -> None:
    assert Failure.of(TransportError("a\x00b\ud83d")).said == "ab?"
