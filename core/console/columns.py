"""Columns of lists, and read-only fields of forms: methods of a model admin."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib import admin

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

F = TypeVar("F", bound=Callable[..., Any])


def column(description: "StrOrPromise", *, ordering: str | None = None) -> Callable[[F], F]:
    """Django's ``display``, which takes no description by position: most columns have nothing else."""
    return admin.display(description=description, ordering=ordering)
