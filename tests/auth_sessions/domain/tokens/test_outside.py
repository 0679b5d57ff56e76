import pytest
from django.db import transaction

from auth_sessions.domain.tokens.outside import refuse_transactions
from auth_sessions.errors import InTransactionError


@pytest.mark.django_db(transaction=True)
def test_open_transaction_is_refused():
    refuse_transactions()
    with transaction.atomic(), pytest.raises(InTransactionError):
        refuse_transactions()
