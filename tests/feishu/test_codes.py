import pytest

from feishu.code_table import ROWS
from feishu.codes import TABLE, Category, explain
from feishu.reasons import Reason


@pytest.mark.parametrize(
    ("category", "codes"),
    [
        (Category.CONFIGURATION, [10003, 10005, 10014, 10015, 99991543, 99991662, 99991673, 99991401]),
        (Category.RETRY, [1, 10012, 10013, 1000040343, 20050, 20072, 230049, 99991663, 99991664]),
        (Category.CONFIGURATION, [403, 514, 1000040344, 1000040345, 1000040346]),
        (Category.CONNECTION_LIMIT, [1000040350]),
        (Category.WRONG_BRAND, [1000040351, 20046]),
        (Category.REAUTHORIZE, [20003, 20004, 20024, 20026, 20037, 20049, 20064, 20065, 20073]),
        (Category.REAUTHORIZE, [99991668, 99991669, 99991677, 99991679, 20005, 20006]),
        (Category.USER_GONE, [20008, 20010, 20021, 20022, 20023, 20066, 230013, 230029, 230053]),
        (Category.CONFIGURATION, [20002, 20009, 20027, 20029, 20048, 20069, 20071, 20074, 230002, 230006]),
        (Category.BUG, [20001, 20036, 20063, 20067, 20068, 20070, 99991661, 99991671, 99992402, 99991201]),
        (Category.BUG, [99992351, 99992354, 99992361, 99992381, 230001, 230025, 230034, 230099, 11311]),
        (Category.RATE_LIMIT, [99991400, 230020, 11232, 11233, 11247, 1000004, 1000005]),
        (Category.TERMINAL, [230011, 230022, 230031, 230110, 232009, 300020, 300030, 300040]),
        (Category.PERMISSION, [99991672, 99991676, 230027, 230035, 21000, 21001]),
        (Category.CONFIGURATION, [99991403, 99991665, 230036, 2320003]),
        (Category.BUG, [2320001, 2320006]),
    ],
)
def test_codes_call_for_the_right_reaction(category, codes):
    assert {code: explain(code).category for code in codes} == dict.fromkeys(codes, category)


@pytest.mark.parametrize("code", [None, 123456789])
def test_an_unknown_code_is_explained_all_the_same(code):
    info = explain(code)
    assert (info.code, info.category) == (code, Category.BUG)
    assert info.cure.zh_cn


def test_every_row_speaks_both_languages():
    for code, info in TABLE.items():
        assert info.code == code
        for text in (info.cause, info.cure):
            assert any("\u4e00" <= char <= "\u9fff" for char in text.zh_cn), code
            assert text.en_us, code
            assert not any("\u4e00" <= char <= "\u9fff" for char in text.en_us), code


def test_no_code_stands_in_two_rows():
    assert len(TABLE) == sum(len(codes) for codes, *_ in ROWS)


@pytest.mark.parametrize("code", [230027, 230035, 230050, 232014])
def test_refusal_across_tenants_is_not_cured_by_a_scope_alone(code):
    info = explain(code)
    assert info.category is Category.PERMISSION
    assert "tenant" in info.cause.en_us or "external" in info.cause.en_us
    assert "企业" in info.cause.zh_cn or "外部" in info.cause.zh_cn
    assert "对外共享" in info.cure.zh_cn or "跨企业" in info.cure.zh_cn
    assert "external" in info.cure.en_us


def test_ids_of_elsewhere_are_told_apart():
    assert explain(99992361).cause.en_us == "The open_id belongs to another app"
    assert explain(99992364).cause.en_us == "The user_id belongs to another tenant"
    assert explain(99992360).cause != explain(99992361).cause


def test_nobody_is_promised_a_retry_where_nothing_retries():
    every = [explain(code) for code in TABLE] + [explain(None, reason) for reason in Reason]
    for info in every:
        once = info.for_one_attempt
        assert once.cause == info.cause
        if info.category in {Category.RETRY, Category.RATE_LIMIT}:
            assert "retried" not in once.cure.en_us
            assert "connected again" not in once.cure.en_us
            assert "自动重" not in once.cure.zh_cn
            assert "系统会" not in once.cure.zh_cn
            assert once.cure.en_us.strip()
