"""The texts of the pages, one entry for each outcome: in English here, in Chinese in the catalogue."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from auth_sessions.domain.completion import CompletionOutcome
from auth_sessions.domain.page_sign_in import SignInEnd

Words: TypeAlias = str | Promise


@dataclass(frozen=True, slots=True)
class Page:
    """One page: HTTP status, tone (good, neutral or bad) and its words."""

    status: int
    tone: str
    title: Words
    text: Words
    hint: Words = ""


_ASK_AGAIN: Words = _("Send /auth to the bot to get a new card.")

OUTCOME_PAGES: dict[CompletionOutcome, Page] = {
    CompletionOutcome.AUTHORIZED: Page(
        200,
        "good",
        pgettext_lazy("page", "Authorized"),
        _("You can close this page and return to the chat."),
    ),
    CompletionOutcome.DENIED: Page(
        200, "neutral", _("Authorization declined"), _("You declined. Nothing was stored."), _ASK_AGAIN
    ),
    CompletionOutcome.EXPIRED: Page(
        410, "neutral", _("This request has expired"), _("It was open for too long."), _ASK_AGAIN
    ),
    CompletionOutcome.WRONG_PERSON: Page(
        403,
        "bad",
        _("Wrong account"),
        _("The person who authorized is not the person who was asked. Nothing was stored."),
        _("Sign in to Feishu as the person who received the card, and start again from the card."),
    ),
    CompletionOutcome.OTHER_BROWSER: Page(
        403,
        "bad",
        _("This is another browser"),
        _("The authorization was started in a different browser. Nothing was stored."),
        _("Start again from the card and finish in the same browser."),
    ),
    CompletionOutcome.PLATFORM_ERROR: Page(
        502,
        "bad",
        _("The platform refused"),
        _("Feishu did not accept the authorization. Nothing was stored."),
        _ASK_AGAIN,
    ),
    CompletionOutcome.UNREACHABLE: Page(
        502,
        "bad",
        _("The platform could not be reached"),
        _("Nothing was stored."),
        _("Please try again in a moment. If it keeps happening, contact your administrator."),
    ),
    CompletionOutcome.UNREADABLE: Page(
        502,
        "bad",
        _("The answer could not be read"),
        _("Something else than Feishu seems to have answered. Nothing was stored."),
        _("Please try again in a moment. If it keeps happening, contact your administrator."),
    ),
    CompletionOutcome.INTERRUPTED: Page(
        502, "bad", _("The authorization was interrupted"), _("Nothing was stored."), _ASK_AGAIN
    ),
    CompletionOutcome.REPLAYED: Page(
        410,
        "neutral",
        _("This authorization was already processed"),
        _("An authorization works once. If you reloaded the page, look at the card: it shows the result."),
        _ASK_AGAIN,
    ),
    CompletionOutcome.UNKNOWN: Page(
        400,
        "bad",
        _("This link is not valid"),
        _("It does not belong to any open request, or a newer one took its place."),
        _ASK_AGAIN,
    ),
}

CONTINUE: dict[str, Words] = {
    "consent": _("You are about to confirm on a page of Feishu what this bot may do for you."),
    "mine": _("You are about to see what you have allowed this bot to do for you."),
    "page": _("This page is for one person. Sign in with Feishu to open it."),
    "other_person": _(
        "You are signed in as somebody else. Sign in to Feishu as the person who received the card, and go on."
    ),
}

LINK_PAGES: dict[str, Page] = {
    "link_unknown": OUTCOME_PAGES[CompletionOutcome.UNKNOWN],
    "link_expired": OUTCOME_PAGES[CompletionOutcome.EXPIRED],
    "link_used": Page(
        410,
        "neutral",
        _("This link no longer works"),
        _("A link works for one authorization. The card shows how it ended."),
        _ASK_AGAIN,
    ),
    "link_busy": Page(
        409,
        "neutral",
        _("The authorization is being completed"),
        _("You have come back from Feishu, and the platform is being asked."),
        _("Look at the card: it shows the result in a moment."),
    ),
    "link_opened_elsewhere": Page(
        403,
        "bad",
        _("This link was opened in another browser"),
        _("For your safety a link belongs to the browser that opened it first."),
        _ASK_AGAIN,
    ),
    "no_public_url": Page(
        503,
        "bad",
        _("The portal has no public address"),
        _("PUBLIC_URL is not set, so a browser cannot come back with the answer."),
        _("Contact your administrator."),
    ),
}


def context(page: Page, **extra: Any) -> dict[str, Any]:
    """The template's context."""
    return {"page": page, **extra}


PAGE_OVER = Page(
    410,
    "neutral",
    _("This page is no longer open"),
    _("A link to your page works once, for a few minutes, in one browser."),
    _("Press “See and manage” on the card, or write /status to the bot, to get a new one."),
)
PAGE_REVOKED = Page(
    200,
    "good",
    _("Revoked"),
    _("The bot can no longer act for you. The authorization is being withdrawn at Feishu."),
    _("You can close this page and return to the chat."),
)

_CONNECT_AGAIN: Words = _("Go back to the agent and connect it again there.")
AGENT_PAGES: dict[str, Page] = {
    "unknown": Page(
        400,
        "bad",
        _("This request is no longer open"),
        _("It was answered already, took too long, or belongs to another browser."),
        _CONNECT_AGAIN,
    ),
    "denied": Page(
        200,
        "neutral",
        _("Sign-in declined"),
        _("You declined in Feishu. Nothing was connected."),
        _CONNECT_AGAIN,
    ),
    "platform_error": Page(
        502,
        "bad",
        _("Feishu did not confirm who you are"),
        _("The platform refused, or could not be reached. Nothing was connected."),
        _CONNECT_AGAIN,
    ),
    "busy": Page(
        429,
        "neutral",
        _("Signing in has to wait"),
        _("Many people are signing in right now."),
        _CONNECT_AGAIN,
    ),
    "refused": Page(
        400,
        "bad",
        _("The agent's request is not valid"),
        _("Nothing was connected, and you were not sent anywhere."),
        _("Tell the people who make the agent, or your administrator, what stands above."),
    ),
    "off": Page(
        403,
        "neutral",
        _("Agents cannot be connected here"),
        _("Your administrator has not switched on that people connect agents by themselves."),
        _("Ask your administrator."),
    ),
    "disconnected": Page(
        200,
        "good",
        _("Disconnected"),
        _("The agent can no longer act for you."),
        _("You can close this page."),
    ),
}

_OPEN_AGAIN: Words = _("Open the link on the card again.")
SIGN_IN_PAGES: dict[SignInEnd, Page] = {
    SignInEnd.UNKNOWN: Page(
        400,
        "bad",
        _("This sign-in is no longer open"),
        _("It was finished already, took too long, or belongs to another browser."),
        _OPEN_AGAIN,
    ),
    SignInEnd.DENIED: Page(
        200, "neutral", _("Sign-in declined"), _("You declined in Feishu. Nothing was opened."), _OPEN_AGAIN
    ),
    SignInEnd.PLATFORM_ERROR: Page(
        502,
        "bad",
        _("Feishu did not confirm who you are"),
        _("The platform refused, or could not be reached. Nothing was opened."),
        _OPEN_AGAIN,
    ),
    SignInEnd.BUSY: Page(
        429, "neutral", _("Signing in has to wait"), _("Many people are signing in right now."), _OPEN_AGAIN
    ),
}
