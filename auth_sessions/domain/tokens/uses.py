"""The record of who used which token: committed before the token is handed out or the call is sent."""

from collections.abc import Sequence

from django.db import transaction

from auth_sessions.enums import UseKind
from auth_sessions.models import TokenUse, UserToken
from core.access.models import ApiClient

OUTCOME_COLUMNS = ("status", "code", "log_id", "reason", "sent_bytes", "received_bytes", "seconds")


def record_hand_out(grant: UserToken, *, client: ApiClient) -> TokenUse:
    """Record that ``client`` is being given the access token of ``grant``."""
    return TokenUse.objects.create(
        bot_id=grant.bot_id,
        client=client,
        caller=client.name,
        kind=UseKind.ISSUED,
        tenant_key=grant.tenant_key,
        open_id=grant.open_id,
        generation=grant.generation,
    )


def record_calls(calls: Sequence[TokenUse]) -> None:
    """Record calls that are about to be sent, in one statement; each gets its id."""
    if len(calls) == 1:
        calls[0].save(force_insert=True)  # without the two statements around it that a transaction would take
    elif calls:
        TokenUse.objects.bulk_create(calls)


@transaction.atomic
def record_outcomes(calls: Sequence[TokenUse]) -> None:
    """Record how calls of `record_calls` ended."""
    for call in calls:
        TokenUse.objects.filter(pk=call.pk).update(**{name: getattr(call, name) for name in OUTCOME_COLUMNS})
