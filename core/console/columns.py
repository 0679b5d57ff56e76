"""Columns of lists, and read-only fields of forms: methods of a model admin."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.utils.functional import Promise

F = TypeVar("F", bound=Callable[..., Any])


def column(
    description: str | Promise, *, ordering: str | None = None, boolean: bool = False
) -> Callable[[F], F]:
    """Marks a method as a column, or as a read-only field of a form."""

    def mark(function: F) -> F:
        attributes: dict[str, Any] = {"short_description": description}
        if ordering:
            attributes["admin_order_field"] = ordering
        if boolean:
            attributes["boolean"] = True
        for name, value in attributes.items():
            setattr(function, name, value)
        return function

    return mark
