"""How values look on pages."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils.translation import override

from core.console.badges import label
from core.console.rendering import (
    EMPTY,
    OPEN_SCOPES,
    actor,
    ago,
    copyable,
    duration,
    exact,
    explained,
    identifier,
    json_block,
    problem_block,
    progress_bar,
    scopes_in_words,
    scopes_on_one_line,
    text_block,
    when,
)
from core.vault.redaction import MASK, MAX_TEXT
from feishu.codes import explain

NOW = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "english", "chinese"),
    [
        (timedelta(seconds=59), "just now", "刚刚"),
        (-timedelta(seconds=59), "in a moment", "即将"),
        (timedelta(hours=2, minutes=5), "2\xa0hours ago", "2\xa0小时前"),
        (-timedelta(days=3), "in 3\xa0days", "3\xa0天后"),
        (-timedelta(hours=1, minutes=59, seconds=50), "in 2\xa0hours", "2\xa0小时后"),
        (-timedelta(hours=1, minutes=50), "in 1\xa0hour", "1\xa0小时后"),
        (-timedelta(days=364, hours=23), "in 1\xa0year", "1\xa0年后"),
    ],
)
def test_time_is_its_distance_with_the_exact_time_in_the_title(time_machine, age, english, chinese) -> None:
    time_machine.move_to(NOW, tick=False)
    with override("en"):
        assert f">{english}</time>" in ago(NOW - age)
    with override("zh-hans"):
        assert f">{chinese}</time>" in ago(NOW - age)
        assert f'title="{exact(NOW - age)}"' in ago(NOW - age)


def test_exact_time_is_that_of_the_portals_time_zone() -> None:
    with override("zh-hans"):
        assert exact(NOW) == "2026-01-31 16:00:00 CST"


@pytest.mark.parametrize(
    ("span", "english", "chinese"),
    [
        (timedelta(milliseconds=35), "35 ms", "35 ms"),
        (timedelta(seconds=2.4), "2.4 s", "2.4 秒"),
        (timedelta(minutes=3, seconds=5), "3 min 05 s", "3 分 05 秒"),
        (timedelta(hours=1, minutes=5), "1 h 05 min", "1 小时 05 分"),
        (timedelta(days=3), "3 days", "3 天"),
    ],
)
def test_length_of_time_is_in_the_readers_language(span, english, chinese) -> None:
    for language, said in (("en", english), ("zh-hans", chinese)):
        with override(language):
            assert duration(span) == said


def test_value_that_is_missing_is_a_dash() -> None:
    shown = {
        ago(None),
        exact(None),
        when(None),
        identifier(""),
        copyable(""),
        json_block({}),
        json_block(None),
    }
    assert shown | {explained(None)} == {EMPTY}


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("operator:lin", "Operator · lin"),
        ("api:CRM: east", "API client · CRM: east"),
        ("system:portal", "Portal"),
        ("platform:event", "Feishu"),
        ("of old:x", "of old · x"),
    ],
)
def test_actor_is_its_kind_and_name(stored, shown) -> None:
    with override("en"):
        assert actor(stored) == shown


def test_markup_in_a_value_is_text() -> None:
    evil = "<script>alert(1)</script>"
    info = explain(99991663)
    for html in (
        identifier(evil),
        copyable(evil),
        label(evil),
        text_block(evil),
        problem_block(info, said=evil),
    ):
        assert "<script>" not in html
        assert "&lt;script&gt;" in html


def test_error_of_the_platform_has_cause_code_cure_and_log_id() -> None:
    with override("en"):
        html = problem_block(explain(20005), said="as it was said", log_id="log-1")
    for part in ("portal-cause", "20005", "portal-cure", "as it was said", "log-1"):
        assert part in html


def test_json_is_indented_and_its_secrets_are_masked() -> None:
    html = json_block({"token": "hush", "text": "你好"})
    assert "hush" not in html
    assert MASK in html
    assert "你好" in html


def test_long_text_is_cut_and_half_a_surrogate_pair_is_spelled_out() -> None:
    assert text_block("z" * (MAX_TEXT + 5)).count("z") == MAX_TEXT
    assert "\\ud83d" in text_block("\ud83d")


def test_scopes_are_said_in_the_language_of_the_page_beside_their_names() -> None:
    scopes = ["offline_access", "made:up<b>"]
    for language, words in (("en", "Keep access to the data"), ("zh-hans", "持续访问已授权的数据")):
        with override(language):
            shown = scopes_in_words(scopes)
        assert words in shown
        assert ">offline_access</code>" in shown
        assert shown.count("made:up&lt;b&gt;") == 1
        assert "<details" not in shown
    assert scopes_in_words([]) == EMPTY


def test_scopes_within_a_sentence_have_their_names_behind() -> None:
    scopes = ["offline_access", "made:up"]
    with override("zh-hans"):
        assert scopes_on_one_line(scopes) == "在你离线时持续访问已授权的数据 (offline_access)、made:up"
    assert scopes_on_one_line([]) == EMPTY


def test_end_of_a_long_list_of_scopes_unfolds() -> None:
    with override("zh-hans"):
        shown = scopes_in_words([f"made:up:{number}" for number in range(OPEN_SCOPES + 30)])
    above, below = shown.split("<details")
    assert above.count("<li>") == OPEN_SCOPES
    assert below.count("<li>") == 30
    assert "另外 30 项" in below


@pytest.mark.parametrize(
    ("done", "of", "attributes"),
    [(0, 4, 'max="4" value="0"'), (3, 4, 'max="4" value="3"'), (0, 0, 'max="1" value="0"')],
)
def test_progress_is_a_bar_that_says_the_same_as_its_words(done: int, of: int, attributes: str) -> None:
    html = progress_bar(done, of, "3 <of> 4")
    assert (
        f'<progress {attributes} aria-label="3 &lt;of&gt; 4"></progress> <span>3 &lt;of&gt; 4</span>' in html
    )
