"""Which rows an operator may see: those of the bots, or of whatever else, that they own; a superuser sees all."""

from typing import TYPE_CHECKING, ClassVar, Self, TypeVar

from django.db import models

if TYPE_CHECKING:
    from core.access.models import User

M = TypeVar("M", bound=models.Model)


class OwnedQuerySet(models.QuerySet[M]):
    """Rows with owners. ``owned_by`` is the path from a row to the operators who own it."""

    owned_by: ClassVar[str] = "bot__owners"

    def visible_to(self, user: "User") -> Self:
        """What ``user`` may see."""
        return self if user.is_superuser else self.filter(**{self.owned_by: user})
