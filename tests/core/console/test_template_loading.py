import re

import pytest
from django.template.loader import get_template

from core.console.template_loading import with_hidden_icons


def test_icons_of_packages_are_hidden_from_screen_readers():
    assert with_hidden_icons('<span class="block material-symbols-outlined md-18">add</span>') == (
        '<span aria-hidden="true" class="block material-symbols-outlined md-18">add</span>'
    )


def test_what_is_hidden_already_and_what_is_no_icon_stays():
    for source in (
        '<span class="material-symbols-outlined" aria-hidden="true">add</span>',
        '<span class="text">add</span>',
        "<span>material-symbols-outlined</span>",
    ):
        assert with_hidden_icons(source) == source


def test_templates_of_unfold_are_read_that_way():
    source = (
        get_template("unfold/helpers/messages/info.html").template.source
        + get_template("unfold/helpers/header_back_button.html").template.source
    )
    assert '<span aria-hidden="true" class="material-symbols-outlined' in source


def test_pages_load_no_script_that_nothing_calls():
    page = get_template("unfold/layouts/skeleton.html").template.source
    scripts = set(re.findall(r"unfold/js/(\w+)/", page))
    assert "alpine" in scripts
    assert not scripts & {"chart", "htmx"}


@pytest.mark.parametrize(
    "name",
    [
        "edit_inline/inline_footer",
        "pagination_inline",
        "command",
        "tab_action",
        "change_list_filter",
    ],
)
def test_no_template_in_use_asks_for_a_script_that_is_not_loaded(name):
    assert "hx-" not in get_template(f"unfold/helpers/{name}.html").template.source
