"""The first operator: a one-time link, printed where the portal is started, leads to the page that makes the account.

Whoever reads the terminal could make an account by ``createsuperuser`` as well. The link opens nothing once there is an
operator, however it got into other hands.
"""

import hashlib
import secrets
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from core.access import audit
from core.access.actors import Actor
from core.access.models import SetupLink, User
from core.access.roles import Role

LIFE: Final = timedelta(hours=1)


class SetupLinkOverError(Exception):
    """The link is unknown, used or too old, or there is an operator by now."""


def has_operator() -> bool:
    """Whether anybody may sign in to the console."""
    return User.objects.filter(is_staff=True, is_active=True).exists()


def new_setup_link() -> str | None:
    """The path of a new link, with its token as query, which takes the place of the former one; None where there is an
    operator."""
    if has_operator():
        return None
    token = secrets.token_urlsafe(32)
    values = {"digest": _digest(token), "expires_at": timezone.now() + LIFE}
    SetupLink.objects.update_or_create(pk=1, defaults=values)
    return f"{reverse('setup')}?{urlencode({'token': token})}"


def is_live(token: str) -> bool:
    """Whether the link with this token makes an operator now."""
    return _live(token).exists() and not has_operator()


def make_first_operator(user: User, *, token: str, address: str) -> None:
    """Use the link up and save ``user``, whose name and password are set, as an operator who may do everything.

    Raises SetupLinkOverError, also for the later of two who use the link at once.
    """
    with transaction.atomic():
        # The first statement: it takes the row, so that a second one waits and finds none.
        used, _ = _live(token).delete()
        if not used or has_operator():
            raise SetupLinkOverError
        user.role = Role.ADMINISTRATOR
        user.save(force_insert=True)
        audit.record(
            actor=Actor("user", "setup link").at(address),
            action="operator.created",
            target=user.get_username(),
            first=True,
        )


def _live(token: str) -> QuerySet[SetupLink]:
    return SetupLink.objects.filter(digest=_digest(token), expires_at__gt=timezone.now())


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
