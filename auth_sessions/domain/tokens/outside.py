"""What asks the platform for a handler happens outside of its transaction: nobody's locks wait for an answer, and nothing that was
written down before a call is rolled back."""

from django.db import transaction

from auth_sessions.errors import InTransactionError


def refuse_transactions() -> None:
    """Raises InTransactionError where one is open."""
    try:
        with transaction.atomic(durable=True):
            pass
    except RuntimeError:
        raise InTransactionError from None
