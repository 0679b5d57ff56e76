"""Tenant tokens: the same one while it has half an hour left, then a new one beside the old."""

from collections import deque
from dataclasses import dataclass

from sandbox.config import AppConfig
from sandbox.world import ids

SAME_TOKEN_SECONDS = 1800
_KEPT_PER_APP = 100


@dataclass(slots=True)
class TenantToken:
    """`expires_at` is in seconds of the epoch."""

    value: str
    app_id: str
    expires_at: float


class TenantTokens:
    """Every tenant token that was handed out and may still be shown."""

    def __init__(self) -> None:
        self._by_app: dict[str, deque[TenantToken]] = {}
        self._by_value: dict[str, TenantToken] = {}

    def issue(self, app: AppConfig, now: float) -> TenantToken:
        tokens = self._by_app.setdefault(app.app_id, deque())
        if tokens and tokens[-1].expires_at - now >= SAME_TOKEN_SECONDS:
            return tokens[-1]
        token = TenantToken(ids.tenant_token(), app.app_id, now + app.tenant_token_lifetime)
        self.keep(token)
        return token

    def keep(self, token: TenantToken) -> None:
        tokens = self._by_app.setdefault(token.app_id, deque())
        tokens.append(token)
        self._by_value[token.value] = token
        if len(tokens) > _KEPT_PER_APP:
            del self._by_value[tokens.popleft().value]

    def all(self) -> list[TenantToken]:
        return list(self._by_value.values())

    def find(self, value: str) -> TenantToken | None:
        return self._by_value.get(value)

    def expire(self, app_id: str | None) -> int:
        """Make all tokens of an app, or of all apps, expired; how many there were."""
        chosen = [token for token in self._by_value.values() if app_id in {None, token.app_id}]
        for token in chosen:
            token.expires_at = 0.0
        return len(chosen)
