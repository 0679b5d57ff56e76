"""For whom apps may act: consents, one-time codes, device codes, user tokens, rotating refresh tokens.

Rules as in the pages "Obtain OAuth code", "Get user_access_token" and "Refresh user_access_token".
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar

from sandbox.config import AppConfig
from sandbox.errors import TokenError
from sandbox.world import ids, pkce

CODE_SECONDS = 300
REAUTHORIZE_SECONDS = 365 * 24 * 3600
SLOW_DOWN_SECONDS = 5
_KEPT = 50_000

Decision: TypeAlias = Literal["pending", "allowed", "denied"]
T = TypeVar("T")


@dataclass(slots=True)
class Grant:
    """What a person has allowed an app so far; scopes only ever add up."""

    scopes: list[str]
    authorized_at: float


@dataclass(slots=True, kw_only=True)
class Code:
    """A one-time authorization code, bound to everything the authorize request said."""

    value: str
    app_id: str
    person_id: str
    redirect_uri: str
    challenge: str
    challenge_method: str
    created_at: float
    used: bool = False


@dataclass(slots=True, kw_only=True)
class DeviceCode:
    """One device authorization, waiting for a person to type its user code."""

    value: str
    user_code: str
    app_id: str
    scopes: list[str]
    expires_at: float
    interval: float
    polled_at: float = 0.0
    decision: Decision = "pending"
    person_id: str = ""
    used: bool = False


@dataclass(slots=True, kw_only=True)
class UserToken:
    value: str
    app_id: str
    person_id: str
    scopes: list[str]
    expires_at: float
    revoked: bool = False


@dataclass(slots=True, kw_only=True)
class RefreshToken:
    """`submissions` are the outcomes of every time it was shown: 0 for success, else the code."""

    value: str
    app_id: str
    person_id: str
    access: UserToken
    created_at: float
    expires_at: float
    older: bool = False
    """From an endpoint of version 1, and known to those alone."""
    used: bool = False
    revoked: bool = False
    submissions: list[int] = field(default_factory=list)

    def as_book(self) -> dict[str, Any]:
        return {
            "token": ids.fingerprint(self.value),
            "app_id": self.app_id,
            "person": self.person_id,
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "used": self.used,
            "revoked": self.revoked,
            "submissions": len(self.submissions),
            "outcomes": self.submissions,
            "replays": max(0, len(self.submissions) - 1),
        }


@dataclass(frozen=True, slots=True)
class Issued:
    """What the token endpoint hands out."""

    access: UserToken
    refresh: RefreshToken | None


class Authorizations:
    """Consents and everything that was issued on their strength.

    `vet` raises TokenError for a person who may not use an app at all.
    """

    def __init__(self, clock: Callable[[], float], vet: Callable[[AppConfig, str], None]) -> None:
        self._clock = clock
        self._vet = vet
        self.grants: dict[tuple[str, str], Grant] = {}
        self.codes: OrderedDict[str, Code] = OrderedDict()
        self.device_codes: OrderedDict[str, DeviceCode] = OrderedDict()
        self.access_tokens: OrderedDict[str, UserToken] = OrderedDict()
        self.refresh_tokens: OrderedDict[str, RefreshToken] = OrderedDict()

    def consent(self, app: AppConfig, person_id: str, scopes: Iterable[str]) -> Grant:
        """Add scopes to what the person has allowed; restarts the 365 days."""
        grant = self.grants.setdefault((app.app_id, person_id), Grant([], 0.0))
        grant.scopes += [scope for scope in dict.fromkeys(scopes) if scope not in grant.scopes]
        grant.authorized_at = self._clock()
        return grant

    def new_code(
        self, app: AppConfig, person_id: str, *, redirect_uri: str, challenge: str, challenge_method: str
    ) -> Code:
        code = Code(
            value=ids.authorization_code(),
            app_id=app.app_id,
            person_id=person_id,
            redirect_uri=redirect_uri,
            challenge=challenge,
            challenge_method=challenge_method,
            created_at=self._clock(),
        )
        _keep(self.codes, code.value, code)
        return code

    def exchange(
        self,
        app: AppConfig,
        value: str,
        *,
        redirect_uri: str | None,
        verifier: str | None,
        scopes: list[str] | None,
        strict_verifier: bool,
        older: bool = False,
    ) -> Issued:
        """Tokens for a code. `strict_verifier`: a verifier without a challenge is refused (v3), not ignored."""
        code = self.codes.get(value)
        if code is None:
            raise TokenError(20003, "The authorization code is not found.")
        if code.app_id != app.app_id:
            raise TokenError(20024, "The authorization code does not belong to this client_id.")
        if code.used:
            raise TokenError(20065, "The authorization code has been used.")
        if self._clock() - code.created_at > CODE_SECONDS:
            raise TokenError(20004, "The authorization code has expired.")
        if redirect_uri is not None and redirect_uri != code.redirect_uri:
            raise TokenError(20071, "The redirect_uri does not match the one of the authorization.")
        pkce.check(code.challenge, code.challenge_method, verifier, strict=strict_verifier)
        issued = self.issue(app, code.person_id, scopes, older=older)
        code.used = True
        return issued

    def new_device_code(self, app: AppConfig, scopes: list[str]) -> DeviceCode:
        device = DeviceCode(
            value=ids.authorization_code(),
            user_code=ids.user_code(),
            app_id=app.app_id,
            scopes=scopes,
            expires_at=self._clock() + app.device_code_lifetime,
            interval=app.device_interval,
        )
        _keep(self.device_codes, device.value, device)
        return device

    def device_by_user_code(self, user_code: str) -> DeviceCode | None:
        """The device authorization that still waits under this code."""
        wanted = user_code.strip().upper()
        for device in self.device_codes.values():
            waits = device.decision == "pending" and device.expires_at > self._clock()
            if device.user_code == wanted and waits:
                return device
        return None

    def end_device_codes(self, app_id: str) -> None:
        """Forget the devices of an app that is deleted: nobody can decide about them any more."""
        for device in [one for one in self.device_codes.values() if one.app_id == app_id]:
            del self.device_codes[device.value]

    def poll_device(self, app: AppConfig, value: str) -> Issued:
        """Tokens for a device code once a person has allowed it. Errors as in RFC 8628."""
        device = self.device_codes.get(value)
        now = self._clock()
        if device is None or device.app_id != app.app_id or device.used:
            raise TokenError(None, "The device code is invalid.", error="invalid_grant")
        if now >= device.expires_at:
            raise TokenError(None, "The device code has expired.", error="expired_token")
        hurried = device.polled_at and now - device.polled_at < device.interval
        device.polled_at = now
        if hurried:
            device.interval += SLOW_DOWN_SECONDS
            raise TokenError(None, "Polling too fast.", error="slow_down")
        if device.decision == "denied":
            raise TokenError(None, "The user denied the authorization.", error="access_denied")
        if device.decision == "pending":
            raise TokenError(None, "The user has not decided yet.", error="authorization_pending")
        issued = self.issue(app, device.person_id, None)
        device.used = True
        return issued

    def refresh(self, app: AppConfig, value: str, scopes: list[str] | None, *, older: bool = False) -> Issued:
        """Exchange a refresh token for its successor; each works once."""
        token = self.refresh_tokens.get(value)
        if token is None or token.older != older:
            raise TokenError(20026, "The refresh token is invalid.")
        try:
            self._check_refresh(app, token)
            issued = self.issue(app, token.person_id, scopes, older=older)
        except TokenError as refusal:
            token.submissions.append(refusal.code or -1)
            raise
        token.submissions.append(0)
        token.used = True
        return issued

    def _check_refresh(self, app: AppConfig, token: RefreshToken) -> None:
        now = self._clock()
        if token.app_id != app.app_id:
            raise TokenError(20024, "The refresh token does not belong to this client_id.")
        if not app.refresh_enabled:
            raise TokenError(20074, "The app may not refresh user access tokens.", error="invalid_client")
        if token.revoked:
            raise TokenError(20064, "The refresh token has been revoked.")
        if token.used:
            raise TokenError(app.replayed_refresh_code, "The refresh token has been used.")
        authorized_at = self.grants[app.app_id, token.person_id].authorized_at
        if now >= token.expires_at or now - authorized_at >= REAUTHORIZE_SECONDS:
            raise TokenError(20037, "The refresh token has expired.")

    def issue(
        self, app: AppConfig, person_id: str, scopes: list[str] | None, *, older: bool = False
    ) -> Issued:
        """New tokens with all that was granted and is still enabled, or the named part of it.

        `older` ones look as those of version 1 did, which came with a refresh token in any case.
        """
        self._vet(app, person_id)
        granted = [scope for scope in self.grants[app.app_id, person_id].scopes if scope in app.scopes]
        narrowed = _narrow(granted, scopes)
        now = self._clock()
        access = UserToken(
            value=ids.older_token("u-") if older else ids.user_token(),
            app_id=app.app_id,
            person_id=person_id,
            scopes=narrowed,
            expires_at=now + app.access_token_lifetime,
        )
        _keep(self.access_tokens, access.value, access)
        if "offline_access" not in narrowed and not older:
            return Issued(access, None)
        refresh = RefreshToken(
            older=older,
            value=ids.older_token("ur-") if older else ids.user_token(),
            app_id=app.app_id,
            person_id=person_id,
            access=access,
            created_at=now,
            expires_at=now + app.refresh_token_lifetime,
        )
        _keep(self.refresh_tokens, refresh.value, refresh)
        return Issued(access, refresh)

    def revoke_token(self, app_id: str, value: str) -> str | None:
        """Revoke a token and its twin; the person it was for, or None for a token that never was."""
        for refresh in self.refresh_tokens.values():
            if value in {refresh.value, refresh.access.value} and refresh.app_id == app_id:
                refresh.revoked = refresh.access.revoked = True
                return refresh.person_id
        access = self.access_tokens.get(value)
        if access is None or access.app_id != app_id:
            return None
        access.revoked = True
        return access.person_id

    def revoke_person(self, app_id: str, person_id: str) -> int:
        """Revoke everything a person allowed an app, as they or an administrator can; how many tokens."""
        self.grants[app_id, person_id] = Grant([], self._clock())
        tokens = [t for t in self._all_tokens() if (t.app_id, t.person_id) == (app_id, person_id)]
        for token in tokens:
            token.revoked = True
        return len(tokens)

    def expire(self, *, app_id: str | None, person_id: str | None, access: bool, refresh: bool) -> int:
        """Make tokens expired now; how many."""
        kinds = (UserToken,) * access + (RefreshToken,) * refresh
        chosen = [
            token
            for token in self._all_tokens()
            if isinstance(token, kinds)
            and app_id in {None, token.app_id}
            and person_id in {None, token.person_id}
        ]
        for token in chosen:
            token.expires_at = 0.0
        return len(chosen)

    def _all_tokens(self) -> list[UserToken | RefreshToken]:
        return [*self.access_tokens.values(), *self.refresh_tokens.values()]


def _narrow(granted: list[str], wanted: list[str] | None) -> list[str]:
    if not wanted:
        return granted
    if len(set(wanted)) != len(wanted):
        raise TokenError(20067, "The scope contains duplicates.", error="invalid_scope")
    missing = [scope for scope in wanted if scope not in granted]
    if missing:
        raise TokenError(20068, f"Not granted by the user: {' '.join(missing)}.", error="invalid_scope")
    return wanted


def _keep(store: OrderedDict[str, T], key: str, value: T) -> None:
    store[key] = value
    if len(store) > _KEPT:
        store.popitem(last=False)
