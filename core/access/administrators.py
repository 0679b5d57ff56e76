"""That somebody is left who can undo everything: the last administrator stays one."""

from django.db import connection

from core.access.models import User
from core.access.roles import Role


def is_last_administrator(pk: int | None) -> bool:
    """Whether the operator with this key is the only administrator who may sign in.

    In a transaction the administrators stay locked until its end: of two who demote each other the second waits, and finds
    that they are the last.
    """
    administrators = User.objects.filter(role=Role.ADMINISTRATOR, is_active=True).order_by("pk")
    if connection.in_atomic_block:
        administrators = administrators.select_for_update(no_key=True)
    return list(administrators.values_list("pk", flat=True)) == [pk]
