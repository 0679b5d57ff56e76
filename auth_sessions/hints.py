"""Hints to the workers about authorizations; the sweep does what a lost one asked for."""

from functools import partial
from uuid import UUID

from django.db import transaction

from feishu_portal.access.hints import send_hint


def hint_card(session_id: UUID) -> None:
    """After the commit: the session's card has to be sent or brought up to date."""
    from auth_sessions.tasks import show_card  # noqa: PLC0415 -- tasks import the domain, the domain sends hints

    transaction.on_commit(partial(send_hint, show_card.delay, str(session_id)), robust=True)


def hint_refresh() -> None:
    """After the commit: a grant is due."""
    from auth_sessions.tasks import refresh_due  # noqa: PLC0415 -- see above

    transaction.on_commit(partial(send_hint, refresh_due.delay), robust=True)


def hint_revocation(revocation_id: UUID) -> None:
    """After the commit: platform and person have to hear of a revocation."""
    from auth_sessions.tasks import finish_revocation  # noqa: PLC0415 -- see above

    transaction.on_commit(partial(send_hint, finish_revocation.delay, str(revocation_id)), robust=True)
