import pytest

from feishu.categories import Category
from feishu.codes import explain
from feishu.errors import ConnectError, TransportError
from feishu.reasons import ROWS, Reason


def test_every_reason_is_explained_in_both_languages():
    assert set(ROWS) == set(Reason)
    for _category, cause, cure in ROWS.values():
        for text in (cause, cure):
            assert any("\u4e00" <= char <= "\u9fff" for char in text.zh_cn)
            assert not any("\u4e00" <= char <= "\u9fff" for char in text.en_us)


def test_a_code_speaks_before_a_reason():
    assert explain(1000040345, "http").category is Category.CONFIGURATION
    assert explain(None, "dns").cause.en_us == "The platform's host name cannot be resolved"
    assert explain(None, "unheard of").category is Category.BUG


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (ConnectError(reason=Reason.SEALED), False),
        (ConnectError(reason=Reason.DATABASE), True),
        (ConnectError(reason=Reason.HANDSHAKE, http_status=514), True),
    ],
)
def test_a_reason_tells_whether_a_person_has_to_act_first(error, retryable):
    assert error.retryable is retryable


def test_a_proxy_that_wants_a_password_is_a_wrong_configuration():
    assert TransportError(reason=Reason.PROXY_REFUSED).info.category is Category.CONFIGURATION
