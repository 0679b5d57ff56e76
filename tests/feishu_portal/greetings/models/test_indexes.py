"""Every index costs each write: here stands the statement that needs it."""

import uuid

from django.utils import timezone

from feishu_portal.greetings.models import Greeted, Greeting
from tests.indexes import Statement, astray, declared

ID = uuid.uuid4()

STATEMENTS: dict[str, Statement] = {
    # What a bot says on an occasion.
    "greeting_once": lambda: Greeting.objects.filter(bot=ID, occasion="o", menu_key="k", enabled=True),
    # Deleting a template.
    "greeting.template": lambda: Greeting.objects.filter(template=ID),
    # Whether a chat was greeted lately.
    "greeted_once": lambda: Greeted.objects.filter(greeting=ID, chat_id="oc"),
    "greeted.at": lambda: Greeted.objects.filter(at__lt=timezone.now()).order_by("at"),
}


def test_every_index_has_a_statement_that_needs_it():
    assert declared("greetings").keys() == STATEMENTS.keys()
    assert astray("greetings", STATEMENTS) == []
