"""An operator who gets test notices, and the button that sends them."""

from typing import Any

from core.access.models import User
from tests.console.rows import messages_of, page_of
from tests.factories import make_operator


def make_addressee() -> User:
    """An operator with a mailbox."""
    user = make_operator("lin")
    user.email = "lin@corp.example.com"
    user.save(update_fields=["email"])
    return user


def answers_to(client: Any, user: User) -> list[str]:
    """What the console says when somebody has sent the operator test notices."""
    return messages_of(client.post(page_of("access_user", user, "test_notices"), follow=True))
