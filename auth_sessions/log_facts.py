"""What log lines say of an authorization session and of a grant."""

from auth_sessions.models import AuthSession, Revocation, UserToken


def of_session(session: AuthSession) -> dict[str, str]:
    return {"session": str(session.pk), "app_id": session.bot.app_id}


def of_grant(grant: UserToken) -> dict[str, str]:
    return {"grant": str(grant.pk), "app_id": grant.bot.app_id}


def of_revocation(revocation: Revocation) -> dict[str, str]:
    return {"revocation": str(revocation.pk)} | of_grant(revocation.grant)
