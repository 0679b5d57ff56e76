"""The page behind “Switch brand”: asks the other brand whether it knows the app, then asks the operator."""

from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from bots.brand import is_known_to, platform_names_other_brand, switch_brand
from bots.enums import PlatformName
from bots.models import Bot
from core.console.actions import Question, ask
from core.console.base import actor_of
from core.console.fields import SecretField
from core.console.sentences import in_language
from core.vault.keyring import SealedValueError
from feishu.errors import FeishuError


class SecretForm(forms.Form):
    """The App Secret of the app whose brand is switched."""

    app_secret = SecretField(
        label=_("App Secret"), help_text=_("Developer console → Credentials & basic info.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["app_secret"].required = True


def switch_page(
    request: HttpRequest, model_admin: "admin.ModelAdmin[Any]", bot: Bot, brand: PlatformName
) -> HttpResponseBase:
    """Changes nothing before its POST, and even then only if the brand is the right one. The App Secret is asked for: it is
    about to be sent to another company."""
    words = {"name": bot.name, "brand": brand.label}
    page = HttpResponseRedirect(reverse("admin:bots_bot_change", args=[bot.pk]))
    form = SecretForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return ask(
            request,
            model_admin,
            Question(
                title=_("Switch %(name)s to %(brand)s") % words,
                text=_(
                    "Its connections are opened at %(brand)s within a few seconds. Everybody who authorized this bot has to "
                    "authorize it again: tokens of one brand are not sent to the other."
                )
                % words,
                submit=_("Switch to %(brand)s") % words,
            ),
            form=form,
            row=bot,
        )
    app_secret = form.cleaned_data["app_secret"]
    if objection := _objection(bot, brand, app_secret):
        model_admin.message_user(request, objection, messages.ERROR)
        return page
    switch_brand(bot, to=brand, app_secret=app_secret, actor=actor_of(request))
    model_admin.message_user(
        request, _("Set to %(brand)s; the connections are being opened there.") % words, messages.SUCCESS
    )
    return page


def _objection(bot: Bot, brand: PlatformName, app_secret: str) -> str:
    """Why the bot should not be set to the brand; empty where it should. Asks only where nobody has said so."""
    words = {"brand": brand.label}
    if platform_names_other_brand(bot):
        return ""
    try:
        known = is_known_to(brand, replace(bot.credentials, app_secret=app_secret))
    except SealedValueError:
        return str(_("The App Secret or the proxy cannot be opened; enter them again on the bot's page."))
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
