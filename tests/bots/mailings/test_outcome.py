from bots.mailings.outcome import failure_of
from core.vault.keyring import SealedValueError
from feishu.errors import APIError, TransportError


def test_platforms_code_is_kept_with_its_words_and_without_a_secret() -> None:
    error = APIError("no: access_token=t-secret-0123456789abcdef", code=230013, log_id="log-1")
    kept = failure_of(error)
    assert (kept["code"], kept["reason"], kept["log_id"]) == (230013, "", "log-1")
    assert "t-secret" not in kept["said"]


def test_without_a_code_the_reason_is_kept() -> None:
    assert failure_of(TransportError("refused", sent="no"))["reason"] == "unreachable"
    assert failure_of(SealedValueError("no key"))["reason"] == "sealed"
