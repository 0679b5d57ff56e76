import pytest

from feishu.scopes import is_scope, narrowest, scope_text, scopes_in


def test_known_scope_is_told_in_both_languages() -> None:
    text = scope_text("offline_access")

    assert "离线" in text.zh_cn
    assert "away" in text.en_us


def test_only_names_are_scopes() -> None:
    assert all(map(is_scope, ["im:message", "docx:document.block:convert", "a" * 128]))
    assert not any(map(is_scope, ["", "a b", "x`y", "任务", "a" * 129, "im:message\n"]))


def test_scopes_stand_in_a_text_whatever_is_between_them() -> None:
    assert scopes_in('["im:message", offline_access];a.b:c-d，x') == [
        "im:message",
        "offline_access",
        "a.b:c-d",
        "x",
    ]
    assert scopes_in("-x a\x00b \ud800 é") == []


def test_unknown_scope_is_told_by_its_name() -> None:
    text = scope_text("made:up")
    assert (text.zh_cn, text.en_us) == ("made:up", "made:up")


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        (
            ["drive:drive", "drive:drive:readonly", "drive:drive.metadata:readonly"],
            "drive:drive.metadata:readonly",
        ),
        (["im:message", "im:message:readonly"], "im:message:readonly"),
        (["task:task:write", "task:task:read", "task:task:readonly"], "task:task:read"),
        (["docx:document", "docx:document:create"], "docx:document:create"),
        (["a:b"], "a:b"),
    ],
)
def test_narrowest_scope_reads_and_is_named_most_closely(scopes: list[str], expected: str) -> None:
    assert narrowest(scopes) == expected
