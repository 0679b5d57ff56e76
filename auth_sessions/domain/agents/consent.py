"""An agent's request and its person's answer.

Nobody is sent to an agent's address before they signed in at the platform and answered: a program that registered itself
could else make the portal lead people wherever it likes. What an agent asked wrongly is said on a page.
"""

import logging
import re
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from auth_sessions.domain.agents.access import Offer, offer, resource
from auth_sessions.domain.agents.registration import is_registered, registered
from auth_sessions.domain.agents.shares import give_way
from auth_sessions.domain.one_time import digest, new_secret
from auth_sessions.domain.person_sign_in import SignInsBusyError, sign_in_page, who_signed_in
from auth_sessions.errors import AgentRefused
from auth_sessions.models import AgentConsent, AgentRegistration
from core.database.text import storable
from core.log_pace import THINNED
from feishu.errors import FeishuError
from feishu.oauth import Pkce

logger = logging.getLogger(__name__)

STATE: Final = "agent-"
"""What the state of such a sign-in begins with: it comes back to the same redirect URI as a consent's."""
LIFE: Final = timedelta(minutes=10)
"""From the agent's link to the person's answer."""
CODE_LIFE: Final = timedelta(minutes=1)
MAX_STATE: Final = 2_000
"""Characters of what an agent wants back as it is."""
MAX_UNDER_WAY: Final = 5_000
"""Where there are so many, one of whoever registered the agents of the most gives way, of those in which nobody signed in yet."""
_CHALLENGE: Final = re.compile(r"[0-9A-Za-z_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class AgentRequest:
    """What stands in the link that an agent sent its person to (RFC 6749, 4.1.1; RFC 7636; RFC 8707); empty what does not."""

    client_id: str = ""
    response_type: str = ""
    redirect_uri: str = ""
    code_challenge: str = ""
    code_challenge_method: str = ""
    state: str = field(default="", repr=False)
    resource: str = ""


class SignIn(StrEnum):
    """How the way to the platform ended."""

    SIGNED_IN = "signed_in"
    UNKNOWN = "unknown"
    DENIED = "denied"
    PLATFORM_ERROR = "platform_error"
    BUSY = "busy"


def begin(request: AgentRequest, *, browser: str) -> str:
    """The address of the platform's page, where the person signs in. ``browser``: the secret of the browser's cookie, by which
    it may come back. Raises AgentRefused."""
    offered = offer()
    if offered is None:
        raise AgentRefused("access_denied", "People cannot connect agents to this portal.")
    registration, redirect_uri = _checked(request)
    _make_room()
    state, pkce = STATE + new_secret(), Pkce.new()
    AgentConsent.objects.create(
        registration=registration,
        bot=offered.bot,
        redirect_uri=redirect_uri,
        is_redirect_named=bool(request.redirect_uri),
        agent_state=request.state,
        challenge=request.code_challenge,
        browser_hash=digest(browser),
        state_hash=digest(state),
        code_verifier=pkce.verifier,
        expires_at=timezone.now() + LIFE,
    )
    return sign_in_page(offered.bot, state=state, pkce=pkce)


def _make_room() -> None:
    """For one more. Raises AgentRefused where people have signed in in all that there are."""
    too_many = AgentConsent.objects.count() - MAX_UNDER_WAY + 1
    if too_many <= 0:
        return
    over, _ = AgentConsent.objects.filter(expires_at__lt=timezone.now()).delete()
    if over >= too_many:
        return
    logger.warning("agent_requests_full", extra={"kept": MAX_UNDER_WAY} | THINNED)
    nobody_yet = AgentConsent.objects.filter(open_id="")
    oldest_first = nobody_yet.order_by("expires_at").values_list("pk", "registration__address")
    going = give_way(oldest_first, too_many - over)
    if len(going) < too_many - over:
        raise AgentRefused("temporarily_unavailable", "Too many people are signing in.")
    nobody_yet.filter(pk__in=going).delete()


def _checked(request: AgentRequest) -> tuple[AgentRegistration, str]:
    registration = registered(request.client_id)
    if registration is None:
        raise AgentRefused("invalid_client", "There is no such client_id: the agent has to register again.")
    redirect_uri = request.redirect_uri
    if not redirect_uri and len(registration.redirect_uris) == 1:
        redirect_uri = registration.redirect_uris[0]
    if not is_registered(registration, redirect_uri):
        raise AgentRefused("invalid_redirect_uri", "The agent did not register this redirect_uri.")
    if request.response_type != "code":
        raise AgentRefused("unsupported_response_type", "response_type has to be code.")
    if request.code_challenge_method != "S256" or not _CHALLENGE.fullmatch(request.code_challenge):
        raise AgentRefused("invalid_request", "PKCE with S256 is needed: code_challenge has 43 characters.")
    if request.resource and not is_resource(request.resource):
        raise AgentRefused("invalid_target", f"resource has to be {resource()}.")
    if len(request.state) > MAX_STATE or "\x00" in request.state:
        raise AgentRefused("invalid_request", f"state has {MAX_STATE} characters at most.")
    return registration, redirect_uri


def is_resource(address: str) -> bool:
    """Whether a resource indicator (RFC 8707) means the portal's endpoint for agents."""
    return address.rstrip("/") == resource()


def sign_in(
    *, app_id: str, state: str, code: str, error: str, browser: str
) -> tuple[SignIn, AgentConsent | None]:
    """Take the platform's answer. A state works once, in the browser that it was made for, for its bot."""
    under_way = _open().filter(
        state_hash=digest(state), bot__app_id=app_id, browser_hash=digest(browser), open_id=""
    )
    consent = under_way.select_related("bot").first()
    if consent is None or not under_way.filter(pk=consent.pk).update(state_hash=None):
        return SignIn.UNKNOWN, None
    if error == "access_denied":
        return SignIn.DENIED, None
    try:
        who = who_signed_in(consent.bot, code=code, error=error, verifier=consent.code_verifier)
    except SignInsBusyError:
        return SignIn.BUSY, None
    except FeishuError as problem:
        logger.warning("agent_sign_in_failed", extra={"error": str(problem)})
        return SignIn.PLATFORM_ERROR, None
    if not who.open_id.startswith("ou_"):
        logger.warning("agent_sign_in_failed", extra={"error": "the platform named no open_id"})
        return SignIn.PLATFORM_ERROR, None
    consent.open_id, consent.tenant_key = who.open_id, who.tenant_key
    consent.person_name = storable(who.name, 200)
    consent.save(update_fields=["open_id", "tenant_key", "person_name"])
    return SignIn.SIGNED_IN, consent


def waiting(consent_id: UUID, *, browser: str) -> tuple[AgentConsent, Offer] | None:
    """The request that waits for the answer of the person who signed in, in their browser; None where there is none, or where
    it is offered no more."""
    consent = (
        _open()
        .select_related("bot", "registration")
        .filter(pk=consent_id, browser_hash=digest(browser), code_hash=None, state_hash=None)
        .exclude(open_id="")
        .first()
    )
    offered = offer()
    if consent is None or offered is None or offered.bot.pk != consent.bot_id:
        return None
    return consent, offered


def allow(consent: AgentConsent) -> str | None:
    """The address to which the person's browser takes the code; None where the request was answered before."""
    code = new_secret()
    is_first = (
        _open()
        .filter(pk=consent.pk, code_hash=None)
        .update(code_hash=digest(code), expires_at=timezone.now() + CODE_LIFE)
    )
    return _back(consent, code=code) if is_first else None


def decline(consent: AgentConsent) -> str | None:
    """The address by which the agent learns of it; None where the request was answered before."""
    deleted, _ = _open().filter(pk=consent.pk, code_hash=None).delete()
    return _back(consent, error="access_denied") if deleted else None


def redirect_host(consent: AgentConsent) -> str:
    """Where the person is sent back to, as it is shown to them."""
    return urlsplit(consent.redirect_uri).hostname or ""


def _open() -> QuerySet[AgentConsent]:
    return AgentConsent.objects.filter(expires_at__gt=timezone.now())


def _back(consent: AgentConsent, **answer: str) -> str:
    """With the issuer (RFC 9207), so that an agent that knows more portals is not led to the wrong one."""
    if consent.agent_state:
        answer["state"] = consent.agent_state
    parts = urlsplit(consent.redirect_uri)
    query = "&".join(filter(None, (parts.query, urlencode(answer | {"iss": settings.PUBLIC_URL}))))
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
