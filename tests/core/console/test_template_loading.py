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
