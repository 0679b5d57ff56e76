"""Which rows an operator may see: those of the bots they own; administrators and auditors see all."""

from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from django.db import models

if TYPE_CHECKING:
    from core.access.models import User

M = TypeVar("M", bound=models.Model)


class OwnedQuerySet(models.QuerySet[M]):
    """Rows with owners. ``owned_by`` is the path from a row to the operators who own it."""

    owned_by: ClassVar[str] = "bot__owners"

    def visible_to(self, user: "User") -> Self:
        """What ``user`` may see. Takes a query of its own, for the keys of what they own.

        With those keys in the statement the database knows how many rows each has, and reads an index; a join it would
        plan as if every bot were alike, and walk through the rows of a busy one to find those of a quiet one.
        """
        if user.sees_everything:
            return self
        path, _, owners = self.owned_by.rpartition("__")
        if not path:
            return self.filter(**{owners: user})
        owned: Any = self.model
        for name in path.split("__"):
            owned = owned._meta.get_field(name).related_model
        keys = owned._default_manager.filter(**{owners: user}).values_list("pk", flat=True)
        return self.filter(**{f"{path}__in": list(keys)})


def is_owned(model: type[models.Model]) -> bool:
    """Whether the model's rows have owners; others are the whole portal's."""
    return hasattr(getattr(model, "objects", None), "visible_to")
