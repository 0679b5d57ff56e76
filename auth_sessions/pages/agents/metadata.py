"""Where an agent that was refused finds how to connect: of the endpoint (RFC 9728) and of who gives tokens for it (RFC 8414)."""

from django.conf import settings
from django.http import Http404, HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from auth_sessions.domain.agents.access import RESOURCE_PATH, SCOPE, offer, resource

PROTECTED_RESOURCE = "/.well-known/oauth-protected-resource"


def challenge() -> str:
    """The ``WWW-Authenticate`` of a refusal, with the way to a token where people may connect agents."""
    if offer() is None:
        return "Bearer"
    metadata = f"{settings.PUBLIC_URL}{PROTECTED_RESOURCE}{RESOURCE_PATH}"
    return f'Bearer resource_metadata="{metadata}", scope="{SCOPE}"'


@require_GET
def protected_resource(_request: HttpRequest) -> JsonResponse:
    """RFC 9728."""
    return _metadata(
        resource=resource(),
        authorization_servers=[settings.PUBLIC_URL],
        scopes_supported=[SCOPE],
        bearer_methods_supported=["header"],
        resource_name="Feishu Portal",
    )


@require_GET
def authorization_server(_request: HttpRequest) -> JsonResponse:
    """RFC 8414. Agents have no secret: whoever registers itself could have one."""
    return _metadata(
        issuer=settings.PUBLIC_URL,
        authorization_endpoint=_address("authorize"),
        token_endpoint=_address("token"),
        registration_endpoint=_address("register"),
        revocation_endpoint=_address("revoke"),
        scopes_supported=[SCOPE],
        response_types_supported=["code"],
        grant_types_supported=["authorization_code", "refresh_token"],
        token_endpoint_auth_methods_supported=["none"],
        revocation_endpoint_auth_methods_supported=["none"],
        code_challenge_methods_supported=["S256"],
        authorization_response_iss_parameter_supported=True,
    )


def _address(name: str) -> str:
    return f"{settings.PUBLIC_URL}{reverse(f'oauth:agent-{name}')}"


def _metadata(**document: object) -> JsonResponse:
    if offer() is None:
        raise Http404
    return JsonResponse(document, headers={"Cache-Control": "no-store"})
