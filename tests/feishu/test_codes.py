import pytest

from feishu.code_table import ROWS
from feishu.codes import TABLE, Category, explain


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
