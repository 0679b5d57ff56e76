"""Foreign keys have an index that begins with them: their own, or another one in its place."""

from typing import Final

from django.apps import apps

from tests.indexes import keys_without_index

WITHOUT: Final = {
    "delivery.bot": "asked for with the event; who deletes a bot reads the table once, an index would cost each event",
    "handlerrun.bot": "the same",
    "tokenuse.client": "stays as it is when the client goes",
}
"""Keys that need none, and why."""


def test_every_foreign_key_has_an_index_that_begins_with_it() -> None:
    found = [key for model in apps.get_models() for key in keys_without_index(model)]
    assert sorted(found) == sorted(WITHOUT)
