"""Pages of refused requests that Django does not see."""

import pytest

from feishu_portal.front.pages import page


@pytest.mark.parametrize(("language", "words"), [("zh-CN", "42 秒"), ("en", "42 s")])
def test_page_speaks_the_language_that_the_browser_asks_for(language, words):
    scope = {"type": "http", "headers": [(b"accept-language", language.encode())]}
    answer = page(scope, 429, {"Retry-After": "42"}, seconds=42)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "42")
    assert words in answer.body.decode()


def test_page_has_the_policy_of_every_page():
    answer = page({"type": "http", "headers": []}, 413, {})
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
