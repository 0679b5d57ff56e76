"""The portal's agents, as the handlers of the official SDK ask for them. Imported with the first request: see ``endpoints``.

The handlers read requests, check PKCE and redirect URIs, and word the answers; what is true is asked of the domain, in the
thread of the request.
"""

from typing import TYPE_CHECKING, Any, Final

from asgiref.sync import sync_to_async
from mcp.server.auth.handlers.register import RegistrationHandler
from mcp.server.auth.handlers.revoke import RevocationHandler
from mcp.server.auth.handlers.token import TokenHandler
from mcp.server.auth.middleware.client_auth import ClientAuthenticator
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    RegistrationError,
    TokenError,
)
from mcp.server.auth.settings import ClientRegistrationOptions
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import AnyUrl
from starlette.requests import Request
from starlette.responses import Response

from auth_sessions.domain.agents import registration, tokens
from auth_sessions.domain.agents.access import SCOPE, resource
from auth_sessions.domain.agents.tokens import TokenPair
from auth_sessions.errors import AgentRefused

if TYPE_CHECKING:
    from auth_sessions.models import AgentConsent, AgentToken


class Code(AuthorizationCode):
    consent: Any


class Access(AccessToken):
    row: Any


class Refresh(RefreshToken):
    row: Any


class Provider(OAuthAuthorizationServerProvider[Code, Refresh, Access]):
    """For one request, that came from ``address``."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        found = await sync_to_async(registration.registered)(client_id)
        if found is None:
            return None
        return OAuthClientInformationFull(
            client_id=str(found.pk),
            redirect_uris=[AnyUrl(uri) for uri in found.redirect_uris],
            token_endpoint_auth_method="none",  # noqa: S106 -- a way, no secret
            scope=SCOPE,
        )

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        try:
            kept = await sync_to_async(registration.register)(
                name=client_info.client_name or "",
                redirect_uris=[str(uri) for uri in client_info.redirect_uris or ()],
                address=self._address,
            )
        except AgentRefused as refused:
            raise RegistrationError(refused.code, str(refused)) from None  # type: ignore[arg-type]
        client_info.client_id = str(kept.pk)

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        """Part of the SDK's interface, for its handler of /authorize, which is not mounted: a person's browser asks there, and
        ``auth_sessions.pages.agents.consent`` is the page that answers."""
        raise NotImplementedError("/authorize is served by auth_sessions.pages.agents.consent")

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> Code | None:
        found: AgentConsent | None = await sync_to_async(tokens.find_code)(
            authorization_code, client_id=client.client_id
        )
        if found is None:
            return None
        return Code(
            code=authorization_code,
            scopes=[SCOPE],
            expires_at=found.expires_at.timestamp(),
            client_id=client.client_id,
            code_challenge=found.challenge,
            redirect_uri=AnyUrl(found.redirect_uri),
            redirect_uri_provided_explicitly=found.is_redirect_named,
            resource=resource(),
            consent=found,
        )

    async def exchange_authorization_code(
        self,
        client: OAuthClientInformationFull,  # noqa: ARG002 -- the SDK's signature
        authorization_code: Code,
    ) -> OAuthToken:
        return _answer(await sync_to_async(tokens.redeem)(authorization_code.consent, address=self._address))

    async def load_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: str
    ) -> Refresh | None:
        found: AgentToken | None = await sync_to_async(tokens.find_refresh)(
            refresh_token, client_id=client.client_id
        )
        if found is None:
            return None
        return Refresh(token=refresh_token, client_id=client.client_id, scopes=[SCOPE], row=found)

    async def exchange_refresh_token(
        self,
        client: OAuthClientInformationFull,  # noqa: ARG002 -- the SDK's signature
        refresh_token: Refresh,
        scopes: list[str],  # noqa: ARG002 -- there is one
    ) -> OAuthToken:
        return _answer(await sync_to_async(tokens.refresh)(refresh_token.row))

    async def load_access_token(self, token: str) -> Access | None:
        found: AgentToken | None = await sync_to_async(tokens.find_access)(token)
        if found is None:
            return None
        return Access(token=token, client_id=str(found.agent.registration_id), scopes=[SCOPE], row=found)

    async def revoke_token(self, token: Access | Refresh) -> None:
        await sync_to_async(tokens.revoke)(token.row, address=self._address)


def _answer(pair: TokenPair | None) -> OAuthToken:
    if pair is None:
        raise TokenError("invalid_grant", "It was used at the same moment.")
    return OAuthToken(
        access_token=pair.access, refresh_token=pair.refresh, expires_in=pair.lasts, scope=SCOPE
    )


async def register(request: Request, address: str) -> Response:
    """RFC 7591."""
    return await RegistrationHandler(Provider(address), ClientRegistrationOptions(enabled=True)).handle(
        request
    )


async def token(request: Request, address: str) -> Response:
    """RFC 6749, 4.1.3 and 6."""
    provider = Provider(address)
    answer: Response = await TokenHandler(provider, ClientAuthenticator(provider)).handle(request)
    return answer


async def revoke(request: Request, address: str) -> Response:
    """RFC 7009."""
    provider = Provider(address)
    return await RevocationHandler(provider, ClientAuthenticator(provider)).handle(request)


HANDLERS: Final = {"register": register, "token": token, "revoke": revoke}
