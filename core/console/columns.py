"""Columns of lists, and read-only fields of forms: methods of a model admin."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import admin
from django.utils.functional import Promise

F = TypeVar("F", bound=Callable[..., Any])


def column(description: str | Promise, *, ordering: str | None = None) -> Callable[[F], F]:
    """Django's ``display``, which takes no description by position: most columns have nothing else."""
    return admin.display(description=description, ordering=ordering)
