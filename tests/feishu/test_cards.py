import pytest

from feishu import cards
from feishu.card_rules import check
from feishu.text import Text

TITLE = Text("需要授权", "Authorization needed")
GO = Text("去授权", "Authorize")
I18N = {"zh_cn": "去授权", "en_us": "Authorize"}


def test_a_card_has_all_that_version_2_asks_for():
    card = cards.card(cards.header(TITLE), [cards.markdown(GO)], TITLE)
    both = {"zh_cn": "需要授权", "en_us": "Authorization needed"}
    assert card == {
        "schema": "2.0",
        "config": {
            "update_multi": True,
            "enable_forward": False,
            "summary": {"content": "需要授权 / Authorization needed"},
        },
        "header": {
            "template": "blue",
            "title": {"tag": "plain_text", "content": "Authorization needed", "i18n_content": both},
        },
        "body": {"elements": [{"tag": "markdown", "content": "Authorize", "i18n_content": I18N}]},
    }


def test_elements_in_a_row_are_a_component_of_version_2():
    row = cards.in_a_row([cards.button(GO), cards.button(TITLE)])
    check(cards.card(None, [row]))
    assert [column["elements"][0]["text"]["content"] for column in row["columns"]] == [
        "Authorize",
        "Authorization needed",
    ]


def test_header_and_summary_may_be_left_out():
    card = cards.card(None, [])
    assert "header" not in card
    assert card["config"] == {"update_multi": True, "enable_forward": False}


def test_a_header_has_a_colour_and_a_subtitle():
    bar = cards.header(TITLE, "green", GO)
    assert bar["template"] == "green"
    assert bar["subtitle"] == {"tag": "plain_text", "content": "Authorize", "i18n_content": I18N}


def test_a_button_may_open_a_link_and_call_back():
    assert cards.button(GO, style="primary", url="https://p.test", value={"op": "go"}, name="go") == {
        "tag": "button",
        "type": "primary",
        "text": {"tag": "plain_text", "content": "Authorize", "i18n_content": I18N},
        "behaviors": [
            {"type": "open_url", "default_url": "https://p.test"},
            {"type": "callback", "value": {"op": "go"}},
        ],
        "name": "go",
    }


def test_a_button_has_nothing_that_was_not_asked_for():
    assert set(cards.button(GO)) == {"tag", "type", "text"}


def test_a_button_can_be_dead_or_ask_back():
    button = cards.button(GO, disabled=True, confirm=(TITLE, GO))
    assert button["disabled"] is True
    assert button["confirm"]["title"]["content"] == "Authorization needed"
    assert button["confirm"]["text"]["i18n_content"] == I18N


def test_a_toast_speaks_both_languages():
    assert cards.toast("success", GO) == {"type": "success", "content": "Authorize", "i18n": I18N}


def test_an_answer_to_a_click_may_be_empty_or_full():
    toast, card = cards.toast("info", GO), cards.card(None, [])
    assert cards.callback_response() == {}
    assert cards.callback_response(toast) == {"toast": toast}
    assert cards.callback_response(toast, card) == {"toast": toast, "card": {"type": "raw", "data": card}}


def test_a_card_too_large_is_refused():
    chinese = Text("字" * 6000, "x")
    cards.card(None, [cards.markdown(chinese)])
    with pytest.raises(ValueError, match="bytes"):
        cards.card(None, [cards.markdown(chinese), cards.markdown(chinese)])


def test_a_card_with_too_many_elements_is_refused():
    dots = [cards.markdown(Text("。", "."))]
    cards.card(None, dots * 200)
    with pytest.raises(ValueError, match="elements"):
        cards.card(None, dots * 201)


def test_text_from_outside_cannot_mention_link_or_format():
    escaped = cards.escape("<at id=all></at> [x](https://evil.test) **b** `c` & 你好")
    assert not set("<>[]()*`") & set(escaped)
    assert escaped.endswith("&#38; 你好")


def test_text_from_outside_stays_on_its_line_and_makes_no_bare_link():
    escaped = cards.escape("a\r\nb\u2028c\u202ed https://evil.test www.evil.test")
    assert escaped == "a b cd https:\u2060&#47;&#47;evil.test www\u2060.evil.test"
    assert cards.single_line("a\nb\u202e") == "a b"


@pytest.mark.parametrize(
    "invisible", "\u00ad\u061c\u180e\u200b\u200f\u202e\u2060\u2064\u2069\ufeff\U000e0041"
)
def test_text_from_outside_has_nothing_invisible(invisible):
    for clean in (cards.single_line, cards.escape, cards.literal):
        assert clean(f"李{invisible}雷") == "李雷"


def test_joiners_of_emoji_and_scripts_stay():
    family = "👨\u200d👩\u200d👧"
    assert cards.single_line(f"{family} می\u200cخواهم") == f"{family} می\u200cخواهم"


def test_text_from_outside_mentions_nobody_in_a_text_message():
    text = cards.literal('<at user_id="all"></at> [x](https://evil.test)')
    assert "<at" not in text
    assert "](" not in text


def test_preview_of_a_link_has_a_title_and_may_have_a_picture_and_a_card():
    assert cards.link_preview(GO) == {"inline": {"i18n_title": I18N}}
    card = cards.card(None, [])
    assert cards.link_preview(GO, card=card, image_key="img_1") == {
        "inline": {"i18n_title": I18N, "image_key": "img_1"},
        "card": {"type": "raw", "data": card},
    }
