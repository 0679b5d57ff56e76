"""What the bot does when people write to it or press a button on the card."""

from functools import partial
from typing import Any
from uuid import UUID

from auth_sessions.cards.authorization import (
    DECLINE_ACTION,
    NEXT_CODE_ACTION,
    RETRY_ACTION,
    authorization_card,
)
from auth_sessions.cards.revocation import START_ACTION
from auth_sessions.cards.self_service import REVOKE_ACTION, SHOW_ACTION, self_service_card
from auth_sessions.commands import (
    greet,
    not_possible,
    run_command,
    run_edited_command,
    run_menu_command,
)
from auth_sessions.domain.card_sync import mark_shown
from auth_sessions.domain.device import request_code, start_code
from auth_sessions.domain.directory import end_grants_of
from auth_sessions.domain.restart import restart_session
from auth_sessions.domain.revocation.service import record_platform_revocation
from auth_sessions.domain.self_service import revoke_own, send_self_service_card, view_of
from auth_sessions.domain.sessions import authorize_link, end_session, request_authorization
from auth_sessions.enums import PlatformReason, SessionState, Via
from auth_sessions.errors import CANNOT_ASK
from auth_sessions.models import AuthSession
from bots.models import Bot
from bots.people.directory import remember_known
from core.access.actors import Actor
from events import callback_response, on, on_card, toast
from events.clicks.click import NOT_YOURS, Click
from events.models import Event
from feishu.errors import FeishuError
from feishu.people import Profile
from feishu.text import Text
from feishu.values import mapping_of, text_of

TOO_LATE = callback_response(
    toast=toast("info", Text("这个请求已经结束。", "This request has already ended."))
)
LINK_ON_ITS_WAY = callback_response(
    toast=toast("info", Text("正在获取授权链接，请稍候…", "The link is on its way, one moment…"))
)
CARD_ON_ITS_WAY = Text("授权卡片已发送给你。", "An authorization card is on its way to you.")
SENT_TO_YOU = Text("已将你的授权信息私信发送给你。", "What you allowed was sent to you in private.")
NOT_SENT = Text("暂时无法发送，请稍后再试。", "It could not be sent. Please try again later.")
NOTHING_ALLOWED = Text("你目前没有授权。", "You have not allowed anything.")
REVOKED = Text("授权已撤销。", "Revoked.")
_PLATFORM_REASONS = {
    "user": PlatformReason.USER,
    "administrator": PlatformReason.ADMINISTRATOR,
    "risk control": PlatformReason.SECURITY,
    "restriction": PlatformReason.RESTRICTION,
}


@on("im.message.receive_v1", atomic=False)
def answer_command(event: Event, bot: Bot) -> None:
    """Commands that people write to the bot; see ``auth_sessions.commands``."""
    run_command(event, bot)


def _edited_message(event: Event) -> object:
    return mapping_of(event.data.get("message")).get("message_id")


@on("im.message.updated_v1", atomic=False, ordered_by=_edited_message)
def answer_edited_command(event: Event, bot: Bot) -> None:
    """A command that was put right by editing its message; see ``auth_sessions.commands``."""
    run_edited_command(event, bot)


@on("application.bot.menu_v6", atomic=False)
def answer_menu(event: Event, bot: Bot) -> None:
    """Commands chosen from the bot's menu, whose entries have the event key `/auth` or `auth`."""
    run_menu_command(event, bot)


@on("im.chat.access_event.bot_p2p_chat_entered_v1", atomic=False)
def greet_newcomer(event: Event, bot: Bot) -> None:
    """Greets a person who opens the chat with the bot for the first time. The event comes with every visit; in a chat that
    holds a message it is not the first."""
    open_id = text_of(mapping_of(event.data.get("operator_id")).get("open_id"))
    if open_id and not event.data.get("last_message_id"):
        greet(bot, open_id=open_id)


@on("contact.user.updated_v3", even_stale=True)
def follow_person(event: Event, bot: Bot) -> None:
    """Somebody's data changed: their name, or that they left the company."""
    person = mapping_of(event.data.get("object"))
    status = mapping_of(person.get("status"))
    if status.get("is_resigned") or status.get("is_exited"):
        end_grants_of(bot=bot, tenant_key=event.tenant_key, person=person)
    else:
        remember_known(bot, Profile.of_user(person))


@on("contact.user.deleted_v3", even_stale=True)
def end_grants_of_leaver(event: Event, bot: Bot) -> None:
    """Somebody left the company: nobody acts for them any more."""
    person = mapping_of(event.data.get("object"))
    end_grants_of(bot=bot, tenant_key=event.tenant_key, person=person)


@on("auth.user_access_token.revoked_v4", even_stale=True)
def note_revocation(event: Event, bot: Bot) -> None:
    """The platform ended a person's tokens; `record_platform_revocation` has what follows from it."""
    record_platform_revocation(
        bot=bot,
        open_id=text_of(event.data.get("open_id")),
        tenant_key=event.tenant_key,
        # One of the documented values ends with a blank.
        kinds=frozenset(text_of(event.data.get("revoke_token_type")).split()),
        reason=_platform_reason(text_of(event.data.get("revoke_reason"))),
        at=event.created_at,
    )


def _platform_reason(sentence: str) -> PlatformReason:
    """The event gives its reason as a sentence, e.g. "Revoked by user action."."""
    for words, reason in _PLATFORM_REASONS.items():
        if f"{words} action" in sentence.lower():
            return reason
    return PlatformReason.UNKNOWN


@on_card(RETRY_ACTION)
def try_again(event: Event, bot: Bot) -> dict[str, Any]:
    """Turn the ended card into a fresh request, in place."""
    session = _session_of_click(event, bot)
    if session is None:
        return NOT_YOURS
    try:
        fresh = restart_session(session, shown_in=Click.of(event).message_id or session.message_id)
    except CANNOT_ASK as error:
        return callback_response(toast=toast("error", not_possible(error)))
    return _answer_with_code(fresh) if fresh.via == Via.DEVICE else _answer_with_card(fresh)


@on_card(NEXT_CODE_ACTION)
def next_code(event: Event, bot: Bot) -> dict[str, Any]:
    """The device code expired unused: the session goes on with another one."""
    session = _session_of_click(event, bot)
    if session is None:
        return NOT_YOURS
    if not session.is_open:
        return TOO_LATE
    if session.via == Via.DEVICE and request_code(session):
        return _answer_with_code(session)
    return _answer_with_card(session) if authorize_link(session) else LINK_ON_ITS_WAY


def _answer_with_code(session: AuthSession) -> dict[str, Any]:
    """Answer the click with the new link, which takes one call to the platform; where it fails, the workers try again."""
    try:
        start_code(session)
    except FeishuError:
        return LINK_ON_ITS_WAY
    session.device.refresh_from_db()
    return _answer_with_card(session)


def _answer_with_card(session: AuthSession) -> dict[str, Any]:
    mark_shown(session)
    return callback_response(card=authorization_card(session, link=authorize_link(session)))


@on_card(START_ACTION)
def start_again(event: Event, bot: Bot) -> dict[str, Any]:
    """Sends the person who clicks a card of their own. Anybody may click: the button tells nothing about anybody."""
    click = Click.of(event)
    try:
        request_authorization(
            bot=bot,
            open_id=click.open_id,
            tenant_key=click.tenant_key,
            actor=Actor.user(click.open_id),
            request_key=event.dedupe_key,
        )
    except CANNOT_ASK as error:
        return callback_response(toast=toast("error", not_possible(error)))
    return callback_response(toast=toast("success", CARD_ON_ITS_WAY))


@on_card(SHOW_ACTION)
def show_own(event: Event, bot: Bot) -> dict[str, Any]:
    """Sends the person who clicks, and nobody else, what they themselves allowed; it does not matter whose card it was."""
    click = Click.of(event)
    try:
        send_self_service_card(bot=bot, open_id=click.open_id, tenant_key=click.tenant_key, key=str(event.pk))
    except FeishuError:
        return callback_response(toast=toast("error", NOT_SENT))
    return callback_response(toast=toast("success", SENT_TO_YOU))


@on_card(REVOKE_ACTION)
def revoke_own_grant(event: Event, bot: Bot) -> dict[str, Any]:
    """Ends what the person who clicks allowed."""
    click = Click.of(event)
    own = partial(view_of, bot=bot, open_id=click.open_id, tenant_key=click.tenant_key, uses=0)
    if revoke_own(own()) is None:
        return callback_response(toast=toast("info", NOTHING_ALLOWED))
    view = own()
    return callback_response(toast=toast("success", REVOKED), card=self_service_card(view, link=""))


@on_card(DECLINE_ACTION)
def decline(event: Event, bot: Bot) -> dict[str, Any]:
    """“Not now”: ends the request without a visit to the consent page."""
    session = _session_of_click(event, bot)
    if session is None:
        return NOT_YOURS
    if not end_session(session, state=SessionState.DENIED, actor=Actor.user(session.open_id)):
        return TOO_LATE
    return callback_response(card=authorization_card(session, link=""))


def _session_of_click(event: Event, bot: Bot) -> AuthSession | None:
    """The session of the clicked card, if it is the clicker's own."""
    click = Click.of(event)
    try:
        session_id = UUID(str(click.value.get("session")))
    except ValueError:
        return None
    if not click.open_id:
        return None
    mine = AuthSession.objects.select_related("bot", "device", "client").filter(
        bot=bot, open_id=click.open_id
    )
    return mine.filter(pk=session_id).first()
