"""The way of a browser to the platform and back, before a page opens that is one person's."""

from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from auth_sessions.domain.page_sign_in import (
    SIGN_IN_TIME,
    VISIT_TIME,
    SignInEnd,
    Visitor,
    begin,
    finish,
    visitor,
)
from auth_sessions.pages.prefetch import allow_redirect, is_opened_by_person, private
from auth_sessions.pages.words import CONTINUE, SIGN_IN_PAGES, context
from bots.models import Bot
from core.browser_cookie import BrowserCookie
from core.log_context import add_to_request

COOKIE: Final = BrowserCookie("page")


def visitor_of(request: HttpRequest, bot: Bot) -> Visitor | None:
    """Who signed in through the bot in this browser, a while ago at most."""
    return visitor(bot, browser=COOKIE.value_in(request.COOKIES))


def sign_in(request: HttpRequest, bot: Bot, *, is_somebody_else: bool = False) -> HttpResponse:
    """On to the platform, and from there back to the page that is asked for; where a program may have opened it, or somebody else
    is signed in, a page with a button comes first. Needs PUBLIC_URL."""
    if request.method != "POST" and (is_somebody_else or not is_opened_by_person(request)):
        text = CONTINUE["other_person" if is_somebody_else else "page"]
        page = render(
            request, "auth_sessions/continue.html", {"text": text}, status=403 if is_somebody_else else 200
        )
        allow_redirect(page, bot.addresses.authorize_url)
        return private(page, has_form=True)
    address, browser = begin(bot, page=request.path)
    response = HttpResponseRedirect(address)
    COOKIE.give(response, browser, lasts=SIGN_IN_TIME)
    return private(response)


def callback(request: HttpRequest, app_id: str) -> HttpResponse:
    """Take the platform's answer, and redirect to the page that was asked for."""
    finished = finish(
        app_id=app_id,
        state=request.GET.get("state", ""),
        code=request.GET.get("code", ""),
        error=request.GET.get("error", ""),
        browser=COOKIE.value_in(request.COOKIES),
    )
    add_to_request(outcome=finished.end.value)
    if finished.end is not SignInEnd.SIGNED_IN:
        page = SIGN_IN_PAGES[finished.end]
        return private(render(request, "auth_sessions/outcome.html", context(page), status=page.status))
    response = HttpResponseRedirect(finished.page)
    COOKIE.give(response, finished.browser, lasts=VISIT_TIME)
    return private(response)
