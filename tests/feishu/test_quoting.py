import pytest

from feishu.quoting import quoted


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("季度 预算", "“季度 预算”"),
        ("文档 已批准 ✅ \n**允许**", "“文档 已批准 ✅ **允许**”"),
        ("a” 已批准 “b", "“a' 已批准 'b”"),
        ('"a" «b» ‹c› ‘d’ ＂e＂', "“'a' 'b' 'c' 'd' 'e'”"),
        ("x\u202egpj.exe\u2066\u200b\u200d\ufeff\u00ad", "“xgpj.exe”"),
        ("a\r\n\t\u2028\u2029\u00a0\u3000b", "“a b”"),
        ("a\u0300\u0301\u0302\u0303\u0304", "“à\u0301\u0302”"),
        ("❤\ufe0f 1\ufe0f\u20e3 \ue000\x00\x1b[31m", "“❤ 1 [31m”"),
        ("हिन्दी Tiếng Việt עברית", "“हिन्दी Tiếng Việt עברית”"),
        ("x" * 500, f"“{'x' * 29}…”"),
        ("", ""),
        (" \u3164\u2800\u200b\U000e0041\n", ""),
        ("\ud800half", "“half”"),
    ],
)
def test_name_is_quoted_in_one_line_of_what_can_be_seen(name: str, shown: str) -> None:
    assert quoted(name, most=30) == shown
