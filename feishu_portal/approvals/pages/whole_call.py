"""The whole call on a page of the person who is asked, who answers there as on the card.

The platform says who opened the page. A link that is good by itself would be the agent's as well, where it may read the person's
messages, and with it the answer.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from auth_sessions.domain.page_sign_in import Visitor
from auth_sessions.pages.page_sign_in import sign_in, visitor_of
from auth_sessions.pages.prefetch import allow_redirect, private
from auth_sessions.pages.self_service import outcome
from auth_sessions.pages.words import LINK_PAGES, Page
from core.access.actors import Actor
from core.access.call_contents import CallContents
from core.remote_address import address_of
from core.vault.keyring import SealedValueError
from feishu.text import Text
from feishu_portal.approvals.cards import (
    caller_of,
    contents_of,
    hour_of,
    named_lines,
    outcome_of,
    question_of,
    said_in,
)
from feishu_portal.approvals.decisions import approve, deny, end_hour
from feishu_portal.approvals.enums import Approved
from feishu_portal.approvals.models import CallApproval, StoredCall
from feishu_portal.approvals.names import names_for
from feishu_portal.approvals.resources import resources_of
from feishu_portal.approvals.words import in_words

MAX_SHOWN: Final = 512 * 1024
"""Bytes of HTML that the values become; beyond, the body as a file has the rest."""
_BESIDE: Final = 64
"""Bytes of HTML around each value."""
_SEEN: Final = "\n\t\u200c\u200d"
"""Line ends and tabs; and what belongs to emoji and to the scripts of some languages."""
_BLANK: Final = "\u034f\u115f\u1160\u17b4\u17b5\u2028\u2029\u2800\u3164\uffa0"
"""Of which nothing is seen, though Unicode calls it something else than invisible; and line ends of another kind."""

PAGE_UNKNOWN: Final = Page(
    404,
    "neutral",
    _("This request is not here"),
    _("It is too old, or the address is not complete."),
    _("Open the link on the card again."),
)
PAGE_SEALED: Final = Page(
    503,
    "bad",
    _("The call cannot be read"),
    _("The portal does not have the key with which it was stored."),
    _("Contact your administrator."),
)


@require_http_methods(["GET", "POST"])
def whole_call(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """The call as it waits for the person, or what became of it; for anybody else, the way to sign in."""
    if not settings.PUBLIC_URL:
        return outcome(request, LINK_PAGES["no_public_url"])
    approval = _approval(approval_id)
    if approval is None:
        return outcome(request, PAGE_UNKNOWN)
    visitor = visitor_of(request, approval.bot)
    if visitor is None or not _is_asked(visitor, approval):
        return sign_in(request, approval.bot, is_somebody_else=visitor is not None)
    if request.method == "POST":
        return private(HttpResponseRedirect(request.path))
    try:
        shown = _question(approval) if approval.is_asked else _outcome(approval)
    except SealedValueError:
        return outcome(request, PAGE_SEALED, bot=approval.bot)
    shown |= {
        "approval": approval,
        "bot": approval.bot,
        "caller": caller_of(approval),
        "what": _in_language(in_words(approval.method, approval.path)),
    }
    page = render(request, "approvals/whole_call.html", shown)
    # Whose visit is over by the time of their answer is sent to sign in again.
    allow_redirect(page, approval.bot.addresses.authorize_url)
    return private(page, has_form=True)


@require_POST
def answer_call(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """What the person of this browser says; the page says what it came to, as it does where they have to sign in again."""
    approval = _of_visitor(request, approval_id)
    answer, address = request.POST.get("answer"), address_of(request)
    if approval is not None:
        if answer in Approved.values:
            approve(approval, kind=Approved(answer), address=address)
        elif answer == "deny":
            deny(approval, address=address)
        elif answer == "end":
            end_hour(approval, actor=Actor.user(approval.open_id).at(address))
    return private(HttpResponseRedirect(reverse("approval", args=[approval_id])))


@require_GET
def body_of_call(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """The body as it is sent, as a file: no browser shows it as a page of the portal."""
    approval = _of_visitor(request, approval_id)
    if approval is None or not approval.is_asked:
        return private(HttpResponseRedirect(reverse("approval", args=[approval_id])))
    try:
        body = approval.stored_call.body
    except SealedValueError:
        return outcome(request, PAGE_SEALED, bot=approval.bot)
    response = HttpResponse(body, content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="call-{approval_id}"'
    return private(response)


def visible(text: str) -> str:
    """The text with a mark in the place of everything that is not seen, or that turns the direction of what follows."""
    return "".join(_mark(character) for character in text.replace("\r\n", "\n"))


def _mark(character: str) -> str:
    if character.isascii() and (character.isprintable() or character in _SEEN):
        return character
    is_hidden = unicodedata.category(character) in {"Cc", "Cf", "Co", "Cs"} and character not in _SEEN
    return f"⟨U+{ord(character):04X}⟩" if is_hidden or character in _BLANK else character


def _approval(approval_id: UUID) -> CallApproval | None:
    here = CallApproval.objects.filter(pk=approval_id, bot__enabled=True, bot__deleted_at=None)
    return here.select_related("bot").first()


def _of_visitor(request: HttpRequest, approval_id: UUID) -> CallApproval | None:
    """The approval, if the person who is asked is signed in in this browser."""
    approval = _approval(approval_id)
    if approval is None or not settings.PUBLIC_URL:
        return None
    visitor = visitor_of(request, approval.bot)
    return approval if visitor is not None and _is_asked(visitor, approval) else None


def _is_asked(visitor: Visitor, approval: CallApproval) -> bool:
    return visitor.open_id == approval.open_id and approval.tenant_key in {"", visitor.tenant_key}


def _question(approval: CallApproval) -> dict[str, object]:
    """Raises SealedValueError."""
    call = approval.stored_call
    contents = contents_of(call)
    values = _values(contents, call)
    shown = list(_that_fit(values))
    named = resources_of(call.path, approval.resources, query=call.query)
    names = names_for(named, bot=approval.bot, open_id=approval.open_id, tenant_key=approval.tenant_key)
    return {
        "title": _in_language(question_of(in_words(approval.method, call.path))),
        "path": visible(call.path),
        "query": visible(call.query),
        "named": [_in_language(line) for line in named_lines(names)],
        "values": shown,
        "is_all": len(shown) == len(values),
        "is_whole": contents.is_whole,
        "headers": [(visible(name), visible(value)) for name, value in call.headers],
        "until": f"{timezone.localtime(approval.expires_at):%H:%M}",
        "hour": _in_language(hour_of(approval)) if approval.scope_hash else "",
        "is_asked": True,
    }


def _outcome(approval: CallApproval) -> dict[str, object]:
    _colour, title, text = outcome_of(approval)
    until = approval.covers_until if approval.is_standing else None
    return {
        "title": _in_language(title),
        "text": _in_language(text),
        "path": visible(approval.path),
        "until": f"{timezone.localtime(until):%H:%M}" if until else "",
        "is_asked": False,
    }


def _values(contents: CallContents, call: StoredCall) -> list[tuple[str, str]]:
    """Where each value stands, and the value. A body that cannot be read is one, that stands nowhere."""
    values = [(visible(one.where).replace("\n", "⏎"), visible(one.value)) for one in said_in(contents)]
    return values if contents.is_whole else [*values, ("", visible(call.body.decode(errors="replace")))]


def _that_fit(values: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    left = MAX_SHOWN
    for where, value in values:
        left -= len(escape(where).encode()) + len(escape(value).encode()) + _BESIDE
        if left < 0:
            return
        yield where, value


def _in_language(text: Text) -> str:
    return text.in_language(get_language() or settings.LANGUAGE_CODE)
