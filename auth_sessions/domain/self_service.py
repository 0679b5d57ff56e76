"""Self-service: people see and revoke what they allowed, without a password.

The platform says who clicked or wrote. That open_id, and never what a card or message contains, decides whose grant is
shown: a person who clicks on a forwarded card gets a link of their own, sent to them alone. The link works once, for
minutes, and opens a page that belongs to the browser that opened it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from auth_sessions.cards.self_service import self_service_card
from auth_sessions.domain.one_time import digest, new_secret
from auth_sessions.domain.revocation.service import revoke_later
from auth_sessions.domain.tenants import in_tenant
from auth_sessions.domain.tokens.decision import is_usable
from auth_sessions.domain.tokens.scopes import lacking
from auth_sessions.enums import TokenStatus
from auth_sessions.errors import LinkUnknown
from auth_sessions.models import Revocation, SelfServiceLink, TokenUse, UserToken
from bots.models import Bot
from core.access.actors import Actor
from core.database.connections import give_back
from feishu.openapi import OpenAPI

LINK_TIME = timedelta(minutes=5)
PAGE_TIME = timedelta(minutes=15)
USES_SHOWN = 50


@dataclass(frozen=True, slots=True)
class SelfServiceView:
    """A person's grant, if there is one, and its last uses, newest first."""

    bot: Bot
    open_id: str
    grant: UserToken | None
    uses: list[TokenUse]

    @property
    def ends_at(self) -> datetime | None:
        """When it ends at the latest; None where nothing was allowed."""
        return self.grant.person_needed_at if self.grant else None

    @property
    def is_complete(self) -> bool:
        """Whether the person has allowed all that the bot asks for, and it works."""
        grant = self.grant
        return grant is not None and not lacking(grant, self.bot.auth_scopes) and is_usable(grant)


def view_of(*, bot: Bot, open_id: str, tenant_key: str = "", uses: int = USES_SHOWN) -> SelfServiceView:
    """What the person ``open_id`` sees of what they allowed ``bot``."""
    grants = in_tenant(UserToken.objects.filter(bot=bot, open_id=open_id), tenant_key)
    grant = grants.select_related("bot").first()
    used = list(TokenUse.objects.of(grant)[:uses]) if grant else []
    return SelfServiceView(bot, open_id, grant, used)


def send_self_service_card(
    *, bot: Bot, open_id: str, tenant_key: str = "", key: str, asked_again: bool = False
) -> None:
    """Send the person a card with what they allowed; where the portal has a public address, it links to their page.

    ``asked_again``: the person wanted to authorize, and has already. ``key``: at most 40 characters; the same key sends once in
    an hour. One call to the platform; raises FeishuError.
    """
    view = view_of(bot=bot, open_id=open_id, tenant_key=tenant_key, uses=5)
    link = make_link(bot=bot, open_id=open_id, tenant_key=tenant_key) if settings.PUBLIC_URL else ""
    api, card = OpenAPI(bot.credentials), self_service_card(view, link=link, asked_again=asked_again)
    give_back(before_waiting=True)
    api.send_card(open_id, card, uuid=f"mine-{key}"[:50])


@transaction.atomic
def make_link(*, bot: Bot, open_id: str, tenant_key: str = "") -> str:
    """A new link to the person's page, which is a secret. Earlier links that were not opened stop working."""
    now, token = timezone.now(), new_secret()
    SelfServiceLink.objects.filter(bot=bot, open_id=open_id, opened_at=None).delete()
    SelfServiceLink.objects.create(
        bot=bot,
        open_id=open_id,
        tenant_key=tenant_key,
        token_hash=digest(token),
        expires_at=now + LINK_TIME,
    )
    return f"{settings.PUBLIC_URL}/oauth/my/{token}/"


def is_link_live(token: str) -> bool:
    """Whether the link can still be opened; does not use it up."""
    return SelfServiceLink.objects.to_open().filter(token_hash=digest(token)).exists()


def open_self_service_link(token: str) -> str:
    """Use the link up; returns the secret for the browser's cookie, by which it opens the page. Raises LinkUnknown."""
    now, browser = timezone.now(), new_secret()
    opened = SelfServiceLink.objects.to_open().filter(token_hash=digest(token))
    if not opened.update(opened_at=now, browser_hash=digest(browser), expires_at=now + PAGE_TIME):
        raise LinkUnknown
    return browser


def page_of(browser: str) -> SelfServiceView:
    """The view for the browser whose cookie holds ``browser``. Raises LinkUnknown."""
    link = (
        SelfServiceLink.objects.open_pages()
        .select_related("bot")
        .filter(browser_hash=digest(browser))
        .first()
        if browser
        else None
    )
    if link is None or not link.bot.enabled:
        raise LinkUnknown
    return view_of(bot=link.bot, open_id=link.open_id, tenant_key=link.tenant_key)


def revoke_own(view: SelfServiceView, *, address: str = "") -> Revocation | None:
    """The person revokes what they allowed, by a browser at ``address`` or in the chat; None when there is nothing to revoke."""
    if view.grant is None or view.grant.status == TokenStatus.REVOKED:
        return None
    return revoke_later(grant=view.grant, actor=Actor.user(view.open_id).at(address))
