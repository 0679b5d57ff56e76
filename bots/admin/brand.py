"""The page behind “Switch brand”: asks the other brand whether it knows the app, then asks the operator."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from bots.brand import is_known_to, platform_names_other_brand, switch_brand
from bots.enums import PlatformName
from bots.models import Bot
from core.access.actors import Actor
from core.console.actions import Question, ask
from core.console.base import operator_of
from core.console.sentences import in_language
from core.vault.keyring import SealedValueError
from feishu.errors import FeishuError


def switch_page(
    request: HttpRequest, model_admin: "admin.ModelAdmin[Any]", bot: Bot, brand: PlatformName
) -> HttpResponseBase:
    """Changes nothing before its POST, and even then only if the brand is the right one."""
    words = {"name": bot.name, "brand": brand.label}
    page = HttpResponseRedirect(reverse("admin:bots_bot_change", args=[bot.pk]))
    if objection := _objection(bot, brand):
        model_admin.message_user(request, objection, messages.ERROR)
        return page
    if request.method != "POST":
        return ask(
            request,
            model_admin,
            Question(
                title=_("Switch %(name)s to %(brand)s") % words,
                text=_("The app belongs to %(brand)s. Its connections are opened there within a few seconds.")
                % words,
                submit=_("Switch to %(brand)s") % words,
            ),
            row=bot,
        )
    switch_brand(bot, to=brand, actor=Actor.operator(operator_of(request)))
    model_admin.message_user(
        request, _("Set to %(brand)s; the connections are being opened there.") % words, messages.SUCCESS
    )
    return page


def _objection(bot: Bot, brand: PlatformName) -> str:
    """Why the bot should not be set to the brand; empty where it should. Asks only where nobody has said so."""
    words = {"brand": brand.label}
    if platform_names_other_brand(bot):
        return ""
    try:
        known = is_known_to(brand, bot.credentials)
    except SealedValueError:
        return str(_("The App Secret cannot be opened; enter it again."))
    except FeishuError as error:
        cause = in_language(error.info.cause)
        return str(_("%(brand)s could not be asked: %(cause)s.") % (words | {"cause": cause}))
    if known:
        return ""
    return str(
        _(
            "%(brand)s does not accept these credentials either: correct the App ID or the App Secret. "
            "Nothing was changed."
        )
        % words
    )
