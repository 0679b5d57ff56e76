import pytest

from auth_sessions.command_words import MAX_READ, CommandWord, command_in, menu_command


@pytest.mark.parametrize(
    "text",
    [
        "/auth",
        "／auth",
        "、auth",
        "/、auth",
        "、/auth",
        "//auth",
        "∕auth",
        "\u200b/auth",
        "/auth\u200b",
        "\ufeff/\u200da\u00aduth",
        "\u202a/auth\u202c",
        "/auth\ufe0f",
        "/auth，",
        "/auth。",
        "/auth！",
        "/auth?",
        "/auth～",
        "/auth…",
        "/auth，谢谢",
        "/ auth",
        "/\u3000auth",
        "/\u00a0auth",
        " \t\n/AUTH now",
        "／ＡＵＴＨ",
        "/Auth\nplease",
        "- /auth",
        "• /auth",
        "1. /auth",
        "1、/auth",
        "**/auth**",
        "`/auth`",
        "“/auth”",
        "（/auth）",
        "> /auth",
        "@Demo /auth",
        "/auth/",
        "/auth@Demo",
        "/auth👍",
    ],
)
def test_command_is_recognized_however_it_was_typed(text):
    word = command_in(text)
    assert word is not None
    assert word.name == "auth"


@pytest.mark.parametrize("text", ["/授权", "／授权。", "、授权", "/ 授权", "/授权！"])
def test_chinese_command_is_recognized(text):
    assert command_in(text).name == "授权"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "hello",
        "auth",
        "授权",
        "/etc/hosts",
        "1/2",
        "http://intern/auth",
        "please /auth",
        "、",
        "。",
        "@Demo",
        "\u200b",
    ],
)
def test_text_that_begins_like_no_command_is_none(text):
    assert command_in(text) is None


def test_mark_in_place_of_the_slash_is_told_from_a_slash():
    assert command_in("、好的") == CommandWord("好的", has_slash=False)
    assert command_in("/、auth") == CommandWord("auth", has_slash=True)


@pytest.mark.parametrize("text", ["/", "/?", "／。"])
def test_slash_alone_is_a_command_without_a_name(text):
    assert command_in(text) == CommandWord("", has_slash=True)


@pytest.mark.parametrize("key", ["/auth", "auth", "AUTH", "／auth", " auth "])
def test_menu_key_is_the_command_with_or_without_its_slash(key):
    assert menu_command(key) == "auth"


def test_menu_key_of_nothing_is_no_command():
    assert menu_command("") == ""


@pytest.mark.parametrize("blank", [" ", "\u200b", "("])
def test_command_is_looked_for_at_the_beginning_of_a_text_alone(blank):
    assert command_in(blank * (MAX_READ - 5) + "/auth").name == "auth"
    assert command_in(blank * MAX_READ + "/auth") is None
