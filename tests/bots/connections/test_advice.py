import pytest

from bots.connections import advice
from feishu.codes import CodeInfo, explain
from feishu.errors import APIError, ConnectError, MalformedAnswer

INFOS = [value for value in vars(advice).values() if isinstance(value, CodeInfo)]
INFOS += [advice.foreign(online=3, held=1), advice.half_open(online=1, held=2)]


@pytest.mark.parametrize("info", INFOS, ids=lambda info: info.cause.en_us[:40])
def test_every_situation_has_cause_and_cure_in_both_languages(info: CodeInfo) -> None:
    for text in (info.cause, info.cure):
        assert any("\u4e00" <= char <= "\u9fff" for char in text.zh_cn)
        assert text.en_us.isascii()


def test_foreign_connections_are_counted() -> None:
    assert "the other 2" in advice.foreign(online=3, held=1).cause.en_us


def test_error_of_a_slot_is_explained_by_code_or_reason() -> None:
    assert advice.explain_error(None, "") is None
    assert advice.explain_error(10014, "") == explain(10014)
    assert advice.explain_error(None, "dns") == explain(None, "dns")
    assert advice.explain_error(None, advice.NO_ROOM) is advice.ALL_PROCESSES_FULL


def test_platform_is_quoted_and_the_log_is_not() -> None:
    assert "app is banned" in advice.words_of_platform(APIError("app is banned", code=10014))
    assert advice.words_of_platform(ConnectError("a sentence for the log", http_status=502)) == "HTTP 502"
    assert advice.words_of_platform(MalformedAnswer("no code", http_status=200)) == ""
    assert advice.words_of_platform(ConnectError("a sentence for the log")) == ""
