"""Fields that a script turns into a picker."""

import pytest

from bots.admin.chat_picker import ChatInput
from bots.admin.people import PeopleInput


@pytest.mark.parametrize(
    ("picker", "script", "asked"),
    [
        (ChatInput(), "portal/chats.js", "/admin/bots/bot/BOT/chats/"),
        (PeopleInput(), "portal/people.js", "/admin/bots/bot/BOT/people/"),
    ],
)
def test_picker_brings_its_script_and_what_that_asks(picker, script, asked) -> None:
    [tag] = picker.media.render_js()
    assert script in tag
    assert 'type="module"' in tag
    html = picker.render("who", "", {"id": "id_who"})
    assert 'data-bot="id_bot"' in html
    assert f'data-address="{asked}"' in html
