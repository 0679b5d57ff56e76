"""Finding the grant of the person whom a caller names."""

from auth_sessions.domain.tokens.broker import find_grant, is_of_another_app
from auth_sessions.errors import AuthError, TokenNotFoundError
from auth_sessions.models import UserToken
from bots.models import Bot
from core.access.models import ApiClient
from feishu_portal.api.keys import bots_of
from feishu_portal.api.problems import Problem


def grant_of(*, bot: Bot, person: str, tenant_key: str, client: ApiClient) -> UserToken:
    """The grant of ``person``: an open_id, union_id, user_id or e-mail address. Raises Problem."""
    try:
        return find_grant(bot=bot, person=person, tenant_key=tenant_key)
    except AuthError as error:
        raise grant_problem(error, bot=bot, person=person, client=client) from None


def grant_problem(error: AuthError, *, bot: Bot, person: str, client: ApiClient) -> Problem:
    """404, which says so where the open_id is another bot's, of those that the client may use; 409 where a person is not the
    only one."""
    if not isinstance(error, TokenNotFoundError):
        return Problem(409, error.code, str(error))
    if is_of_another_app(person, bot=bot, among=bots_of(client)):
        return Problem(
            404,
            "open_id_of_another_app",
            "This open_id belongs to another app: each app knows a person by an open_id of its own. Use this app's, or the "
            "union_id, user_id or e-mail address.",
        )
    return Problem(404, error.code, str(error))
