"""OAuth 2.0 with PKCE: the address a person consents at, and the endpoints behind it.

Nothing here retries. A code and a refresh token work once, and only the caller can know what a lost answer
means; `TransportError.sent` and `MalformedAnswer.sent` tell it what is certain. Pages: "Obtain OAuth code",
"Get user_access_token", "Refresh user_access_token", "Get user info", "Revoke token".
"""

import base64
import hashlib
import json as json_module
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self, TypeAlias
from urllib.parse import quote, urlencode

from feishu.credentials import AppCredentials
from feishu.errors import APIError, MalformedAnswer, OAuthError, RateLimited, TransportError
from feishu.numbers import seconds
from feishu.observation import observed
from feishu.platforms import Platform
from feishu.reasons import Reason
from feishu.scopes import MAX_SCOPES, scopes_in
from feishu.transport import TOTAL_TIMEOUT, PlatformAnswer, Transport, unpooled_transport
from feishu.values import text_of

TokenHint: TypeAlias = Literal["access_token", "refresh_token"]

OFFLINE_ACCESS: Final = "offline_access"
"""The scope without which no refresh token is issued."""
DEFAULT_LIFETIME: Final = 7200
"""Seconds that an access token lasts where the answer does not say it; RFC 6749 5.1 only recommends `expires_in`, and this is
what the platform's pages promise."""
MAX_ID: Final = 64
"""Characters of an id of a person or a tenant; the platform's have 40 at most."""
_NO_ENDPOINT: Final = frozenset({404, 405})
_OAUTH_CODES: Final = range(20000, 22000)
"""Codes of the token endpoints themselves; with others a host or its gateway says that it has none."""
_V1_PATHS: Final = {
    "authorization_code": "/open-apis/authen/v1/oidc/access_token",
    "refresh_token": "/open-apis/authen/v1/oidc/refresh_access_token",
}
_APP_TOKEN_PATH: Final = "/open-apis/auth/v3/app_access_token/internal"  # noqa: S105 - a path


@dataclass(frozen=True, slots=True)
class Pkce:
    """A PKCE pair (RFC 7636, S256): the challenge travels to the platform first, the verifier with the code."""

    verifier: str = field(repr=False)
    challenge: str

    @classmethod
    def new(cls) -> Self:
        """A fresh pair; the verifier has 64 characters."""
        return cls.of(secrets.token_urlsafe(48))

    @classmethod
    def of(cls, verifier: str) -> Self:
        """The pair of a verifier: 43 to 128 characters of base64url."""
        digest = hashlib.sha256(verifier.encode()).digest()
        return cls(verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode())


@dataclass(frozen=True, slots=True)
class TokenSet:
    """A user's tokens. Lifetimes in seconds from now, as the platform said them: they are not fixed."""

    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str | None = field(repr=False)
    """None unless `offline_access` was granted."""
    refresh_token_expires_in: int | None
    scopes: tuple[str, ...]
    """What was granted, which may be less or more than what was asked for."""
    token_type: str = "Bearer"  # noqa: S105 - a kind of token


@dataclass(frozen=True, slots=True)
class UserInfo:
    """Who authorized. `open_id` is the app's own name for the person, `union_id` the developer's."""

    open_id: str
    union_id: str
    user_id: str | None
    """None unless the app may see employee ids."""
    tenant_key: str
    name: str
    en_name: str
    avatar_url: str
    """Of 72 pixels where the platform names several."""
    email: str = ""
    """Of the company, else the person's own; empty unless the person allowed it to be read."""


def authorize_url(
    platform: Platform,
    *,
    app_id: str,
    redirect_uri: str,
    scopes: Sequence[str],
    state: str,
    challenge: str,
) -> str:
    """Where to send a person's browser.

    Raises ValueError for more than 50 scopes: the platform refuses them.
    """
    if len(scopes) > MAX_SCOPES:
        raise ValueError(f"{len(scopes)} scopes; the platform takes {MAX_SCOPES} at once")
    query = {
        "client_id": app_id,
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "scope": " ".join(scopes),
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    filled = {key: value for key, value in query.items() if value}
    return f"{platform.authorize_url}?{urlencode(filled, quote_via=quote)}"


class OAuth:
    """The token endpoints as one app. Thread-safe.

    Methods raise TransportError, MalformedAnswer, RateLimited or OAuthError (`user_info`: APIError).
    """

    def __init__(self, credentials: AppCredentials, transport: Transport | None = None) -> None:
        self._credentials = credentials
        self._transport = transport or unpooled_transport(credentials.route)

    def exchange_code(self, *, code: str, redirect_uri: str, verifier: str) -> TokenSet:
        """Tokens for a code: once, within 5 minutes, with the redirect URI that led to it."""
        return self.request_token(
            "authorization_code", code=code, redirect_uri=redirect_uri, code_verifier=verifier
        )

    def refresh(self, refresh_token: str, *, timeout: float | None = None) -> TokenSet:
        """New tokens for a refresh token, which is spent by it. The old access token stays valid."""
        return self.request_token("refresh_token", timeout=timeout, refresh_token=refresh_token)

    def request_token(self, grant_type: str, *, timeout: float | None = None, **grant: str) -> TokenSet:
        """Present any grant at the token endpoint. `timeout`: seconds for the whole exchange (15)."""
        platform = self._credentials.platform
        if platform.token_endpoint == "v1" and grant_type in _V1_PATHS:  # noqa: S105 - a version
            return self._request_token_v1(grant_type, timeout=timeout, **grant)
        url = platform.token_url
        fields = {
            "grant_type": grant_type,
            "client_id": self._credentials.app_id,
            "client_secret": self._credentials.app_secret,
            **grant,
        }
        return _token_set(self._request(url, json=fields, timeout=timeout))

    def _request_token_v1(self, grant_type: str, *, timeout: float | None, **grant: str) -> TokenSet:
        """As older deployments want it: with the app's own token, for a code or a refresh token alone. What fails before these
        are sent cannot have used them up."""
        total = TOTAL_TIMEOUT if timeout is None else timeout
        deadline = time.monotonic() + total
        app_token = self._app_access_token(timeout=total / 2)
        name = "code" if grant_type == "authorization_code" else "refresh_token"
        answer = self._request(
            self._credentials.platform.open_url + _V1_PATHS[grant_type],
            json={"grant_type": grant_type, name: grant[name]},
            bearer=app_token,
            timeout=max(deadline - time.monotonic(), 1.0),
        )
        return _token_set(answer)

    def _app_access_token(self, *, timeout: float) -> str:
        fields = {"app_id": self._credentials.app_id, "app_secret": self._credentials.app_secret}
        url = self._credentials.platform.open_url + _APP_TOKEN_PATH
        try:
            answer = self._request(url, json=fields, timeout=timeout)
        except (MalformedAnswer, TransportError) as error:
            error.sent = "no"
            raise
        except OAuthError as error:
            if error.code is not None:
                raise
            raise MalformedAnswer(
                error.message,
                http_status=error.http_status,
                log_id=error.log_id,
                reason=Reason.HTTP,
                sent="no",
            ) from error
        token = _text(answer.body.get("app_access_token")) or _text(answer.data.get("app_access_token"))
        if not token:
            raise MalformedAnswer(
                "the answer holds no app_access_token",
                http_status=answer.status,
                log_id=answer.log_id,
                sent="no",
                excerpt=_excerpt(answer),
            )
        return token

    def revoke(self, token: str, hint: TokenHint, *, timeout: float | None = None) -> None:
        """Withdraw a token at the platform, within `timeout` seconds (15). Harmless to repeat (RFC 7009)."""
        form = {
            "client_id": self._credentials.app_id,
            "client_secret": self._credentials.app_secret,
            "token": token,
            "token_type_hint": hint,
        }
        answer = self._request(self._credentials.platform.revoke_url, form=form, timeout=timeout)
        if not 200 <= answer.status < 300:
            raise MalformedAnswer(
                f"HTTP {answer.status} with a code of success",
                http_status=answer.status,
                log_id=answer.log_id,
                reason=Reason.HTTP,
            )

    def user_info(self, access_token: str) -> UserInfo:
        """Whom an access token belongs to. Needs no scope; failures come with HTTP 200 and a code."""
        url = f"{self._credentials.platform.open_url}/open-apis/authen/v1/user_info"
        with observed(self._credentials.app_id, url):
            answer = self._transport.request("GET", url, bearer=access_token)
        data = answer.data if answer.data.get("open_id") else answer.body
        open_id = _id(data.get("open_id"))
        if not open_id:
            raise MalformedAnswer("the answer names no open_id", log_id=answer.log_id)
        return UserInfo(
            open_id=open_id,
            union_id=_id(data.get("union_id")),
            user_id=_id(data.get("user_id")) or None,
            tenant_key=_id(data.get("tenant_key")),
            name=text_of(data.get("name")),
            en_name=text_of(data.get("en_name")),
            avatar_url=text_of(data.get("avatar_thumb")) or text_of(data.get("avatar_url")),
            email=text_of(data.get("enterprise_email")) or text_of(data.get("email")),
        )

    def _request(
        self,
        url: str,
        *,
        json: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        bearer: str | None = None,
        timeout: float | None = None,
    ) -> PlatformAnswer:
        try:
            with observed(self._credentials.app_id, url):
                return self._transport.request(
                    "POST", url, json=json, form=form, bearer=bearer, timeout=timeout
                )
        except (OAuthError, RateLimited):
            raise
        except MalformedAnswer as error:
            if error.http_status in _NO_ENDPOINT:
                error.reason = Reason.NO_ENDPOINT
            raise
        except APIError as error:
            if error.http_status in _NO_ENDPOINT and error.code not in _OAUTH_CODES:
                raise MalformedAnswer(
                    f"HTTP {error.http_status}: {error.message}",
                    http_status=error.http_status,
                    log_id=error.log_id,
                    reason=Reason.NO_ENDPOINT,
                ) from error
            # Some refusals carry a code alone, without the `error` of RFC 6749.
            refusal = OAuthError(
                error.message, code=error.code, log_id=error.log_id, http_status=error.http_status
            )
            if error.code is None:
                refusal.reason = Reason.HTTP
            raise refusal from error


def _token_set(answer: PlatformAnswer) -> TokenSet:
    """The tokens of an answer, which older versions of the endpoint wrap in an object. Tokens that came are never thrown away
    for what is odd beside them."""
    wrapped = (part for part in answer.body.values() if isinstance(part, dict))
    found = next((part for part in (answer.body, *wrapped) if _text(part.get("access_token"))), None)
    if found is None:
        raise MalformedAnswer(
            f"HTTP {answer.status} without an access token",
            http_status=answer.status,
            log_id=answer.log_id,
            excerpt=_excerpt(answer),
        )
    refresh_life = seconds(found.get("refresh_token_expires_in")) or seconds(found.get("refresh_expires_in"))
    return TokenSet(
        access_token=_text(found["access_token"]),
        expires_in=seconds(found.get("expires_in")) or DEFAULT_LIFETIME,
        refresh_token=_text(found.get("refresh_token")) or None,
        refresh_token_expires_in=refresh_life,
        scopes=_scopes(found.get("scope")),
        token_type=_text(found.get("token_type")) or "Bearer",
    )


def _excerpt(answer: PlatformAnswer) -> str:
    return json_module.dumps(answer.body, ensure_ascii=False)


def _text(value: object) -> str:
    """A text that can be stored and sent on; empty for anything else, such as one with half of a surrogate pair."""
    text = value.strip() if isinstance(value, str) else ""
    return text if text.isprintable() else ""


def _id(value: object) -> str:
    """An id of the platform, written as text or as a number; empty for what cannot be one."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    text = _text(str(value) if is_number else value)
    return text if len(text) <= MAX_ID else ""


def _scopes(value: object) -> tuple[str, ...]:
    """Scopes in a list or in a text, between blanks as RFC 6749 3.3 has them, or between whatever else no scope has in it."""
    if isinstance(value, list | tuple):
        value = " ".join(name for name in value if isinstance(name, str))
    return tuple(dict.fromkeys(scopes_in(value))) if isinstance(value, str) else ()
