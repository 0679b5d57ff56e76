"""Operators who sign in to the console with their account on the platform, through one of the portal's bots.

Who may sign in is decided by the link that the operator made before, and by nothing that the account says of itself: no
account makes an operator, and none is found by its e-mail address.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from auth_sessions.domain.one_time import digest, new_secret
from auth_sessions.domain.person_sign_in import SignInsBusyError, sign_in_page, who_signed_in
from auth_sessions.domain.tenants import in_tenant
from auth_sessions.models import OperatorAccount, OperatorSignIn
from bots.models import Bot, Person
from core.access import audit
from core.access.actors import Actor
from core.access.models import User
from core.access.platform_sign_in import Offer
from core.access.sessions import MAX_STRANGERS
from core.database.retention import make_room
from core.database.text import storable
from feishu.errors import FeishuError
from feishu.oauth import Pkce, UserInfo

logger = logging.getLogger(__name__)

STATE: Final = "operator-"
"""What the state of a sign-in begins with: it comes back to the same redirect URI as a consent's."""
LIFE: Final = timedelta(minutes=10)
MAX_ACCOUNTS: Final = 1000
"""Operators among whom one is looked for by their union_id."""


class SignInOutcome(StrEnum):
    """How it ended; each but the first two has a page."""

    SIGNED_IN = "signed_in"
    LINKED = "linked"
    UNKNOWN = "unknown"
    DENIED = "denied"
    STRANGER = "stranger"
    TAKEN = "taken"
    PLATFORM_ERROR = "platform_error"
    BUSY = "busy"


class AccountTakenError(Exception):
    """The account signs in as another operator."""


@dataclass(frozen=True, slots=True)
class Finished:
    """``user`` and ``page`` are there where the outcome is SIGNED_IN or LINKED."""

    outcome: SignInOutcome
    user: User | None = None
    page: str = ""


def sign_in_bot() -> Bot | None:
    """The bot of FEISHU_SIGN_IN_BOT, where it is there and enabled, and browsers reach the portal."""
    if not (settings.SIGN_IN_BOT and settings.PUBLIC_URL):
        return None
    return Bot.objects.filter(app_id=settings.SIGN_IN_BOT, enabled=True).first()


class FeishuAccounts:
    """What the pages about signing in show of it."""

    def offer(self, request: HttpRequest) -> Offer | None:
        """Only at the host of PUBLIC_URL: the browser comes back there, with the cookies of that host."""
        if not settings.SIGN_IN_BOT or request.get_host() != urlsplit(settings.PUBLIC_URL).netloc:
            return None
        bot = sign_in_bot()
        if bot is None:
            return None
        parts = urlsplit(bot.addresses.authorize_url)
        return Offer(bot.name, f"{parts.scheme}://{parts.netloc}")

    def linked(self, user: User) -> list[OperatorAccount]:
        return list(OperatorAccount.objects.filter(user=user).select_related("bot").order_by("linked_at"))


def begin(bot: Bot, *, session: str, page: str, user: User | None = None) -> str:
    """The address of the platform's page. ``session``: stored key of the browser's session, in which the answer is accepted;
    ``user``: the operator whose account is to be linked, None to sign in."""
    state, pkce = STATE + new_secret(), Pkce.new()
    OperatorSignIn.objects.filter(session=session).delete()  # one at a time
    if user is None:
        make_room(OperatorSignIn.objects.filter(user=None).order_by("expires_at"), MAX_STRANGERS)
    OperatorSignIn.objects.create(
        bot=bot,
        user=user,
        state_hash=digest(state),
        session=session,
        code_verifier=pkce.verifier,
        next_page=page,
        expires_at=timezone.now() + LIFE,
    )
    return sign_in_page(bot, state=state, pkce=pkce)


def finish(
    *, app_id: str, state: str, code: str, error: str, session: str, signed_in: User | None, address: str
) -> Finished:
    """Take the platform's answer. A state works once, in the session that it was made for, for its bot; that of a link only
    while the operator who began it is ``signed_in``."""
    under_way = _take(app_id=app_id, state=state, session=session, signed_in=signed_in)
    if under_way is None:
        return Finished(SignInOutcome.UNKNOWN)
    if error == "access_denied":
        return Finished(SignInOutcome.DENIED)
    try:
        who = who_signed_in(under_way.bot, code=code, error=error, verifier=under_way.code_verifier)
    except SignInsBusyError:
        return Finished(SignInOutcome.BUSY)
    except FeishuError as problem:
        logger.warning("operator_sign_in_failed", extra={"error": str(problem)})
        return Finished(SignInOutcome.PLATFORM_ERROR)
    if under_way.user is not None:
        return _link(under_way, under_way.user, who, address=address)
    return _operator_of(under_way, who, address=address)


def _take(*, app_id: str, state: str, session: str, signed_in: User | None) -> OperatorSignIn | None:
    """What the state belongs to; it is used up by this."""
    under_way = (
        OperatorSignIn.objects.select_related("bot", "user")
        .filter(state_hash=digest(state), bot__app_id=app_id, session=session, expires_at__gt=timezone.now())
        .first()
    )
    if under_way is None or not OperatorSignIn.objects.filter(pk=under_way.pk).delete()[0]:
        return None
    is_its_own = under_way.user is None or under_way.user == signed_in
    return under_way if is_its_own and sign_in_bot() == under_way.bot else None


def _operator_of(under_way: OperatorSignIn, who: UserInfo, *, address: str) -> Finished:
    bot = under_way.bot
    account = (
        OperatorAccount.objects.select_related("user")
        .filter(bot=bot, destination=bot.destination, open_id=who.open_id)
        .filter(tenant_key__in=("", who.tenant_key))
        .first()
    )
    if account is None or not (account.user.is_active and account.user.is_staff):
        audit.record(
            actor=Actor.user(who.open_id).at(address),
            action="operator.sign_in_refused",
            bot=bot,
            target=account.user.get_username() if account else "",
            reason="unknown_account",
        )
        return Finished(SignInOutcome.STRANGER)
    OperatorAccount.objects.filter(pk=account.pk).update(
        last_used_at=timezone.now(), tenant_key=who.tenant_key
    )
    return Finished(SignInOutcome.SIGNED_IN, account.user, under_way.next_page)


def _link(under_way: OperatorSignIn, user: User, who: UserInfo, *, address: str) -> Finished:
    bot = under_way.bot
    try:
        _store(
            user,
            bot,
            open_id=who.open_id,
            name=who.name,
            tenant_key=who.tenant_key,
            actor=Actor.operator(user).at(address),
        )
    except AccountTakenError:
        return Finished(SignInOutcome.TAKEN)
    return Finished(SignInOutcome.LINKED, user, under_way.next_page)


def link_for(user: User, *, bot: Bot, open_id: str, name: str, actor: Actor) -> None:
    """Let a person of the platform sign in as ``user``, at an administrator's word. Raises AccountTakenError."""
    _store(user, bot, open_id=open_id, name=name, actor=actor)


@transaction.atomic
def _store(user: User, bot: Bot, *, open_id: str, name: str, actor: Actor, tenant_key: str = "") -> None:
    """In the place of the one that the operator has through the bot. Raises AccountTakenError."""
    others = OperatorAccount.objects.filter(bot=bot, open_id=open_id).exclude(user=user)
    if in_tenant(others, tenant_key).exists():
        raise AccountTakenError
    OperatorAccount.objects.filter(bot=bot, user=user).delete()
    try:
        with transaction.atomic():
            OperatorAccount.objects.create(
                bot=bot,
                user=user,
                destination=bot.destination,
                tenant_key=tenant_key,
                open_id=open_id,
                name=storable(name, 200),
            )
    except IntegrityError as error:  # somebody was faster
        raise AccountTakenError from error
    audit.record(
        actor=actor,
        action="operator.account_linked",
        bot=bot,
        target=user.get_username(),
        open_id=open_id,
    )


def unlink(user: User, *, actor: Actor) -> bool:
    """Take the operator's accounts away: they sign nobody in any more. False where there was none."""
    with transaction.atomic():
        removed, _ = OperatorAccount.objects.filter(user=user).delete()
        if removed:
            audit.record(actor=actor, action="operator.account_unlinked", target=user.get_username())
    return bool(removed)


def operator_behind(bot: Bot, *, open_id: str, union_id: str, tenant_key: str) -> User | None:
    """The operator who has linked the account of a person, of whom the platform says these ids to ``bot``. Where another bot of
    the platform signs operators in, it is the union_id by which that bot's people are known as the same."""
    accounts = OperatorAccount.objects.filter(destination=bot.destination, user__is_active=True)
    accounts = accounts.filter(tenant_key__in=("", tenant_key), user__is_staff=True).select_related("user")
    known = accounts.filter(bot=bot, open_id=open_id).first()
    if known is not None:
        return known.user
    if not union_id:
        return None
    others = {(one.bot_id, one.open_id): one.user for one in accounts.exclude(bot=bot)[:MAX_ACCOUNTS]}
    same = Person.objects.filter(
        bot__in={bot_id for bot_id, _ in others},
        open_id__in={open_id for _, open_id in others},
        union_id=union_id,
    )
    operators = {others.get(one) for one in same.values_list("bot_id", "open_id")} - {None}
    return operators.pop() if len(operators) == 1 else None
