"""Rows about a person, where several tenants may know the person's open_id."""

from typing import Any, TypeVar

from django.db.models import QuerySet

Rows = TypeVar("Rows", bound=QuerySet[Any])


def in_tenant(rows: Rows, tenant_key: str) -> Rows:
    """Those of the tenant and those that name none, as operators and API clients may; all of them where ``tenant_key`` is
    empty."""
    return rows.filter(tenant_key__in=("", tenant_key)) if tenant_key else rows
