from feishu.scopes import scope_text


def test_known_scope_is_told_in_both_languages() -> None:
    text = scope_text("offline_access")

    assert "离线" in text.zh_cn
    assert "away" in text.en_us


def test_unknown_scope_is_told_by_its_name() -> None:
    text = scope_text("made:up")
    assert (text.zh_cn, text.en_us) == ("made:up", "made:up")
