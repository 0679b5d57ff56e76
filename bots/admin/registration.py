"""The pages with a QR code: one makes an app and its bot, the other gives more to the app of a bot.

The page asks the portal every two seconds; how often the platform is asked is decided in ``bots.registration.flow``.
"""

from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.forms import Media, Script
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bots.enums import RegistrationFailure, RegistrationState
from bots.errors import TooManyRegistrations
from bots.models import Bot, Registration
from bots.registration import flow
from bots.registration.preset import addons
from core.console.actions import button
from core.console.base import ConsoleAdmin, operator_of
from core.console.qr_code import qr_code
from core.console.sentences import advice_on, in_language
from core.vault.keyring import SealedValueError
from feishu.codes import explain
from feishu.errors import FeishuError, OAuthError
from feishu.scopes import scope_text

if TYPE_CHECKING:
    Base = ConsoleAdmin[Bot]
else:
    Base = object

POLL_SECONDS: Final = 2
"""Between two questions of an open page to the portal."""
BY_HAND: Final = "by"
"""The parameter of the add page with which it is the form for an app that exists."""

_FAILURES: Final = {
    RegistrationFailure.REFUSED: _("The platform refused: %(detail)s."),
    RegistrationFailure.OTHER_APP: _(
        "Another app was confirmed, %(detail)s. Nothing was changed here: scan again and choose the app of this bot."
    ),
    RegistrationFailure.NOT_YOURS: _(
        "%(detail)s is already a bot of this portal, and you are not one of its owners. Nothing was changed: ask an "
        "owner or an administrator."
    ),
    RegistrationFailure.NOT_ALLOWED: _(
        "You may no longer add bots. The app %(detail)s exists at the platform; delete it there if nobody needs it."
    ),
    RegistrationFailure.NOT_STORED: _(
        "The platform has registered the app %(detail)s, but it could not be stored here. Enter its App ID and App Secret by "
        "hand; the developer console shows both."
    ),
}


class RegistrationPages(Base):
    """The part of the bots' admin that shows QR codes."""

    def get_urls(self) -> Any:
        view = self.admin_site.admin_view(self.register)
        return [path("register/", view, name="bots_bot_register"), *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Begins with the QR code; the form for an app that exists is one click away."""
        if request.method == "GET" and BY_HAND not in request.GET:
            self._check_may_add(request)
            return self._page(request, None)
        response: HttpResponse = super().add_view(request, form_url, extra_context)
        return response

    def response_post_save_add(self, request: HttpRequest, obj: Bot) -> HttpResponseRedirect:
        """The bot's page says what is left to do; Django would go to the list."""
        return HttpResponseRedirect(self.page_after(request, obj))

    def register(self, request: HttpRequest) -> HttpResponseBase:
        """What the add page posts: ``begin`` (first or again), or nothing to ask how it stands."""
        self._check_may_add(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return self._answer(request, None)

    @button(_("Add permissions by QR code"), icon="qr_code_2", path="extend")
    def extend(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        bot = self.visible_or_404(request, unquote(object_id))
        return self._answer(request, bot) if request.method == "POST" else self._page(request, bot)

    def _check_may_add(self, request: HttpRequest) -> None:
        if not self.has_add_permission(request):
            raise PermissionDenied

    def _page(self, request: HttpRequest, bot: Bot | None) -> TemplateResponse:
        registration, wanted = flow.latest(operator_of(request), bot), addons(bot)
        if registration and (
            registration.state != RegistrationState.WAITING or not flow.asks_for(registration, wanted)
        ):
            registration = None
        scopes = dict.fromkeys([*wanted.tenant_scopes, *wanted.user_scopes])
        context = {
            **self.admin_site.each_context(request),
            **_panel(registration),
            "opts": self.opts,
            "original": bot,
            "title": _("Add permissions by QR code") if bot else _("Add a bot"),
            "media": self.media + Media(js=[Script("portal/registration.js", type="module")]),  # type: ignore[list-item]  # the stubs know strings alone
            "post_to": self._post_to(bot),
            "by_hand": f"{reverse('admin:bots_bot_add')}?{BY_HAND}=hand",
            "scopes": [(scope, in_language(scope_text(scope))) for scope in scopes],
            "events": [*wanted.tenant_events, *wanted.callbacks],
        }
        response = TemplateResponse(request, "admin/bots/bot/register.html", context)
        add_never_cache_headers(response)
        return response

    @staticmethod
    def _post_to(bot: Bot | None) -> str:
        return reverse("admin:bots_bot_extend", args=[bot.pk]) if bot else reverse("admin:bots_bot_register")

    def _answer(self, request: HttpRequest, bot: Bot | None) -> HttpResponse:
        operator = operator_of(request)
        registration, problem = flow.latest(operator, bot), ""
        if how := request.POST.get("begin"):
            try:
                registration = flow.begin(operator, bot=bot, again=how == "again")
            except (FeishuError, TooManyRegistrations, SealedValueError) as error:
                registration, problem = None, _why_not(error)
        elif registration and registration.state == RegistrationState.WAITING:
            flow.poll(registration.pk)
            registration = flow.latest(operator, bot)
        made = registration.bot if registration else None
        if registration and made:
            self.message_user(request, _done(registration, made), messages.SUCCESS)
        if request.headers.get("X-Requested-With") == "fetch":
            context = _panel(registration, problem=problem)
            response = render(request, "admin/bots/bot/register_panel.html", context)
            add_never_cache_headers(response)
            return response
        # A browser without scripts.
        if sentence := problem or _ending(registration):
            self.message_user(request, sentence, messages.ERROR)
        return HttpResponseRedirect(self.page_after(request, made) if made else self._page_of(bot))

    @staticmethod
    def _page_of(bot: Bot | None) -> str:
        return reverse("admin:bots_bot_extend", args=[bot.pk]) if bot else reverse("admin:bots_bot_add")


def _panel(registration: Registration | None, *, problem: str = "") -> dict[str, Any]:
    """What changes on the page: the code that waits, or why there is none."""
    context: dict[str, Any] = {"registration": registration, "problem": problem or _ending(registration)}
    if registration is None:
        return context | {"is_new": not problem}
    if registration.state == RegistrationState.WAITING:
        try:
            address = registration.address
        except SealedValueError:
            return {"problem": gettext("This QR code can no longer be opened. Ask for a new one.")}
        return context | {
            "address": address,
            "qr_code": qr_code(address, label=gettext("QR code that leads to a page of Feishu")),
            "until": f"{timezone.localtime(registration.expires_at):%H:%M}",
            "poll_seconds": POLL_SECONDS,
            "trouble": in_language(explain(None, registration.trouble).cause) if registration.trouble else "",
        }
    if registration.bot:
        return context | {"next": reverse("admin:bots_bot_change", args=[registration.bot_id])}
    return context


def _ending(registration: Registration | None) -> str:
    """Why a code is over that brought nothing."""
    match registration.state if registration else None:
        case RegistrationState.DENIED:
            return gettext("The registration was denied in Feishu. Nothing was changed.")
        case RegistrationState.EXPIRED:
            return gettext("Nobody confirmed in time: the QR code has expired.")
        case RegistrationState.FAILED if registration:
            sentence = _FAILURES[RegistrationFailure(registration.failure)]
            return str(sentence % {"detail": registration.detail})
        case _other:
            return ""


def _done(registration: Registration, bot: Bot) -> str:
    if registration.extends_id:
        words = gettext("The app of %(name)s has the permissions now.")
    elif bot.created_at >= registration.began_at:
        words = gettext("%(name)s was added and is being connected.")
    else:
        words = gettext("%(name)s was already one of your bots; its App Secret was renewed.")
    return words % {"name": bot.name}


def _why_not(error: FeishuError | TooManyRegistrations | SealedValueError) -> str:
    """Why there is no QR code."""
    if isinstance(error, TooManyRegistrations):
        return gettext(
            "Too many QR codes were asked for. Try again in a few minutes, or enter the app by hand."
        )
    if isinstance(error, SealedValueError):
        return gettext("The bot's proxy cannot be opened; enter it again on the bot's page.")
    if isinstance(error, OAuthError) and error.code is None:
        return str(
            _FAILURES[RegistrationFailure.REFUSED] % {"detail": error.error_description or error.error}
        )
    return gettext("There is no QR code now. %(advice)s") % {"advice": advice_on(error)}
