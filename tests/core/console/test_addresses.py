from uuid import uuid4

import pytest
from django.urls import reverse, set_script_prefix

from core.console.addresses import page

TOGGLE = "admin:bots_bot_toggle"


@pytest.mark.parametrize("key", [uuid4(), 7, "a b", "a/b", "100%", "王芳?#&'\"<", "a:b@c~(d)"])
def test_page_is_where_reverse_finds_it(key):
    assert page(key, TOGGLE) == reverse(TOGGLE, args=[key])


def test_page_stands_below_the_prefix_of_the_request():
    before = page(7, TOGGLE)
    set_script_prefix("/portal/")
    try:
        assert page(7, TOGGLE) == f"/portal{before}"
    finally:
        set_script_prefix("/")
