"""Starting over after a session has ended, in the card that showed its end."""

from django.db import transaction

from auth_sessions.domain.device import claim_start
from auth_sessions.domain.sessions import request_authorization
from auth_sessions.enums import Via
from auth_sessions.models import AuthSession
from core.access.actors import Actor


@transaction.atomic
def restart_session(session: AuthSession, *, shown_in: str) -> AuthSession:
    """A new session of the same person for the same scopes, in the message ``shown_in``, which the old session gives up:
    its next sync would overwrite the new card. By device code the caller is to get the code (`start_code`).

    The same session restarts once: a second click gets the first one's successor. Raises one of CANNOT_ASK.
    """
    successor = request_authorization(
        bot=session.bot,
        open_id=session.open_id,
        tenant_key=session.tenant_key,
        scopes=session.scopes,
        added_scopes=session.added_scopes,
        why=session.why,
        actor=Actor.user(session.open_id),
        request_key=f"retry:{session.pk}",
        return_url=session.return_url,
        shown_in=shown_in,
    )
    AuthSession.objects.filter(pk=session.pk).update(message_id="")
    if successor.via == Via.DEVICE:
        claim_start(successor)
    return successor
