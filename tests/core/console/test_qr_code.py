import re

from core.console.qr_code import qr_code


def test_code_is_a_picture_in_the_page_with_words_and_without_styles():
    svg = qr_code("https://accounts.example.test/page?user_code=ABCD", label="A <code>")
    assert 'role="img" aria-label="A &lt;code&gt;"' in svg
    assert "<svg" in svg
    assert not re.search(r"style|href|http|<script", svg)


def test_code_holds_as_much_as_an_address_with_many_scopes():
    assert "<path" in qr_code("https://accounts.example.test/?addons=" + "a" * 1500, label="")
