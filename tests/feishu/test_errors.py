import pickle

import pytest

from feishu.codes import Category
from feishu.errors import (
    APIError,
    ConnectError,
    DecryptionError,
    EnvelopeError,
    FeishuError,
    FrameError,
    InvalidToken,
    MalformedAnswer,
    MissingScope,
    OAuthError,
    RateLimited,
    TransportError,
)


def test_an_error_says_what_support_needs_to_know():
    error = APIError("no permission", code=99991672, log_id="20260101", http_status=400)
    assert str(error) == "no permission (code 99991672, HTTP 400, log id 20260101)"


def test_an_error_without_a_message_says_what_its_class_is():
    assert str(TransportError()) == "The platform could not be reached."


def test_an_error_explains_its_code():
    assert APIError(code=10015).info.category is Category.CONFIGURATION


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (APIError(code=99991400), True),
        (APIError(code=20050), True),
        (APIError(code=10015), False),
        (APIError(code=987654321), False),
        (APIError(http_status=502), True),
        (APIError(http_status=400), False),
        (OAuthError(code=20064), False),
        (OAuthError(code=20072, http_status=503), True),
        (RateLimited(), True),
        (TransportError(), True),
        (MalformedAnswer(), True),
        (ConnectError(code=1000040345), False),
        (ConnectError(code=1000040351), False),
        (ConnectError(code=1000040350), True),
        (ConnectError(http_status=400), True),
        (FrameError(), False),
    ],
)
def test_an_error_knows_whether_trying_again_may_help(error, retryable):
    assert error.retryable is retryable


def test_an_answer_that_cannot_be_read_leaves_open_what_happened():
    assert MalformedAnswer().sent == "unknown"
    assert TransportError().sent == "unknown"


@pytest.mark.parametrize(
    "error",
    [
        TransportError("gone", sent="no"),
        MalformedAnswer("html", http_status=502, log_id="l"),
        APIError("m", code=1, log_id="l", http_status=400),
        RateLimited("m", code=99991400, reset_after=7.0),
        InvalidToken("m", code=99991663),
        MissingScope("m", code=99991679, scopes=("a", "b")),
        OAuthError(code=20064, error="invalid_grant", error_description="used"),
        ConnectError("m", stage="handshake", code=403),
        FrameError("m"),
        EnvelopeError("m"),
        DecryptionError("m"),
    ],
)
def test_an_error_survives_a_process_boundary(error: FeishuError):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)
