"""The platform's API as a person, for handlers: finds, refreshes and replaces the token, and records each call."""

import logging
import time
from collections.abc import Mapping
from typing import Any, Final

from django.db import Error

from auth_sessions.domain.tokens.broker import find_grant, report_rejected
from auth_sessions.domain.tokens.decision import Reauthorize, Refresh, Use, decide_for_call
from auth_sessions.domain.tokens.outside import refuse_transactions
from auth_sessions.domain.tokens.refresh_wait import read_grant, wait_for_refresh
from auth_sessions.domain.tokens.usage import note_use, request_refresh
from auth_sessions.domain.tokens.uses import record_calls, record_outcomes
from auth_sessions.enums import UseKind
from auth_sessions.errors import (
    ReauthorizationRequiredError,
    RefreshInProgressError,
    RefreshPostponedError,
    ScopesLackingError,
)
from auth_sessions.models import TokenUse, UserToken
from bots.models import Bot
from core.database.connections import give_back
from core.database.errors import described
from core.database.text import storable
from feishu.apaas import App, WorkspaceClient, list_apps
from feishu.codes import REJECTED_USER_TOKEN, WRONG_KIND
from feishu.errors import FeishuError, InvalidToken, MissingScope
from feishu.transport import PlatformAnswer, Transport
from feishu.user_api import UserAPI

logger = logging.getLogger(__name__)

LACKS_USER_SCOPE: Final = 99991679


class UserCalls:
    """Calls the platform as a person who authorized the bot: ``calls("GET", "/open-apis/…")``. Thread-safe.

    A call is sent a second time only where the platform rejected the token and so did nothing. Raises TokenNotFoundError,
    ReauthorizationRequiredError and ScopesLackingError where the person has to act, RefreshInProgressError and
    RefreshPostponedError where the caller should retry, InTransactionError, BotDisabledError, TenantNeededError and
    SealedValueError, and FeishuError for what the platform says. Blocks: an async handler wraps it in ``sync_to_async``.
    ``program`` names the caller in the record. ``may_wait`` False: no call waits for a refresh.
    """

    def __init__(
        self,
        *,
        bot: Bot,
        open_id: str,
        tenant_key: str = "",
        program: str = "handlers",
        may_wait: bool = True,
        transport: Transport | None = None,
    ) -> None:
        self._bot = bot
        self._open_id = open_id
        self._tenant_key = tenant_key
        self._program = program
        self._may_wait = may_wait
        self._transport = transport

    def __call__(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> PlatformAnswer:
        """`path` begins with /open-apis/; `timeout`: seconds (15)."""
        request = {"params": params, "json": json, "headers": headers, "timeout": timeout}
        grant = self._usable()
        try:
            return self._send(grant, method, path, request)
        except InvalidToken as error:
            other = self._replacement(grant, error)
            if other is None:
                raise
        return self._send(other, method, path, request)

    def _usable(self) -> UserToken:
        """The grant, with an access token for one call."""
        refuse_transactions()
        grant = find_grant(bot=self._bot, person=self._open_id, tenant_key=self._tenant_key)
        decision = decide_for_call(grant)
        if isinstance(decision, Refresh):
            request_refresh(grant)
            if decision.postponed_until is None and self._may_wait:
                decision = decide_for_call(wait_for_refresh(grant) or read_grant(grant.pk) or grant)
        match decision:
            case Use(usable, ends_soon):
                if ends_soon:
                    request_refresh(usable)
                return usable
            case Refresh(_, later):
                raise RefreshInProgressError if later is None else RefreshPostponedError(later)
            case Reauthorize():
                raise ReauthorizationRequiredError(open_id=self._open_id, app_id=self._bot.app_id)

    def _replacement(self, grant: UserToken, error: InvalidToken) -> UserToken | None:
        """The grant with another token than the rejected one, where there is one or a refresh brings it."""
        if error.code not in REJECTED_USER_TOKEN or WRONG_KIND in error.message:
            return None
        now = report_rejected(grant.pk, grant.generation)
        if now is not None and now.generation == grant.generation and self._may_wait:
            now = wait_for_refresh(now)
        if now is None or now.generation == grant.generation:
            return None
        return now if isinstance(decide_for_call(now), Use) else None

    def _send(self, grant: UserToken, method: str, path: str, request: dict[str, Any]) -> PlatformAnswer:
        """One call, recorded before it is sent, and its outcome afterwards."""
        api = UserAPI(self._bot.credentials, grant.access_token, self._transport)
        use = TokenUse(
            bot=self._bot,
            caller=storable(self._program, 100),
            kind=UseKind.CODE,
            tenant_key=grant.tenant_key,
            open_id=grant.open_id,
            generation=grant.generation,
            method=method,
            path=storable(path, 500),
        )
        record_calls([use])
        note_use(grant)
        give_back(before_waiting=True)
        started = time.monotonic()
        try:
            answer = api(method, path, **request)
        except FeishuError as error:
            _record_outcome(use, started, status=error.http_status, code=error.code, log_id=error.log_id)
            if isinstance(error, MissingScope) and error.code == LACKS_USER_SCOPE:
                raise ScopesLackingError(
                    open_id=self._open_id, app_id=self._bot.app_id, scopes=error.scopes
                ) from error
            raise
        _record_outcome(use, started, status=answer.status, code=0, log_id=answer.log_id)
        return answer


class Workspace(WorkspaceClient):
    """An aPaaS workspace, as a person who authorized the bot; see UserCalls for what its methods raise."""

    def __init__(self, workspace_id: str, *, bot: Bot, open_id: str, **options: Any) -> None:
        """``options``: those of UserCalls."""
        super().__init__(UserCalls(bot=bot, open_id=open_id, **options), workspace_id)


def apps_of(*, bot: Bot, open_id: str, **options: Any) -> list[App]:
    """The aPaaS apps that the person sees; ``options`` and what it raises: see UserCalls."""
    return list_apps(UserCalls(bot=bot, open_id=open_id, **options))


def _record_outcome(
    use: TokenUse, started: float, *, status: int | None, code: int | None, log_id: str
) -> None:
    use.status, use.code, use.log_id = status, code, storable(log_id, 128)
    use.seconds = time.monotonic() - started
    try:
        record_outcomes([use])
    except Error as error:
        # The caller gets the platform's answer all the same.
        logger.warning("call_outcome_not_recorded", extra={"use": use.pk, **described(error)})
