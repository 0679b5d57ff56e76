"""What a bot's page says of its webhook: how a rotation of its secrets stands, and which requests were refused."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from bots.models import Bot, SecretUse
from bots.webhook.refusals import words_for
from bots.webhook.rotation import promote
from core.console.actions import Question, button, confirmed
from core.console.base import ConsoleAdmin, actor_of
from core.console.columns import column
from core.console.rendering import EMPTY, ago, when
from core.console.sentences import in_language, in_sentences
from core.vault.keyring import SealedValueError

if TYPE_CHECKING:
    Base = ConsoleAdmin[Bot]
else:
    Base = object

LATELY: Final = timedelta(hours=1)
"""Refusals within this time are also shown above the form."""


class WebhookReadings(Base):
    """The part of the bots' admin that shows what its webhook took and refused, and ends a rotation."""

    @column(_("rotation"))
    def rotation(self, bot: Bot) -> str:
        """How far it is, for each secret that is being replaced."""
        secrets = bot.next_secrets
        if not secrets:
            return EMPTY
        uses = {(use.secret, use.is_next): use for use in bot.secret_uses.all()}
        lines = [
            {
                "secret": secret.label,
                "until": when(bot.rotation_ends_at),
                "next": _used(uses.get((secret.value, True))),
                "current": _used(uses.get((secret.value, False))) if bot.has_secret(secret) else "",
                "advice": _advice(uses.get((secret.value, True))),
            }
            for secret in secrets
        ]
        return render_to_string("admin/bots/bot/rotation.html", {"secrets": lines})

    @column(_("refused requests"))
    def refused(self, bot: Bot) -> str:
        """Why requests were refused in the past days, the latest reason first."""
        rows = bot.refused_pushes.order_by("-last_at")
        lines = [
            {
                "cause": in_language(words_for(row.reason).cause),
                "cure": in_language(words_for(row.reason).cure),
                "requests": _requests(row.requests),
                "since": ago(row.first_at),
                "last": ago(row.last_at),
            }
            for row in rows
        ]
        return render_to_string("admin/bots/bot/refused.html", {"refusals": lines}) if lines else EMPTY

    @button(_("Use next secrets"), icon="key", path="use-next-secrets")
    @confirmed(
        lambda bot: Question(
            title=_("Use next secrets of %(name)s") % {"name": bot.name},
            text=_question(bot),
            submit=_("Use next secrets"),
            danger=True,
        )
    )
    def use_next_secrets(self, request: HttpRequest, bot: Bot) -> None:
        try:
            promoted = promote(bot, actor=actor_of(request))
        except SealedValueError:
            self.message_user(request, _("A next secret cannot be opened; enter it again."), messages.ERROR)
            return
        if promoted:
            self.message_user(request, _("Only the new secrets are valid from now on."), messages.SUCCESS)
        else:
            self.message_user(request, _("There is no next secret."), messages.ERROR)


def refusal_notices(bot: Bot) -> Iterator[str]:
    """Why requests were refused just now, for the top of the bot's page."""
    lately = timezone.now() - LATELY
    for row in bot.refused_pushes.filter(last_at__gte=lately).order_by("-last_at")[:3]:
        words = words_for(row.reason)
        said = gettext("Requests to the webhook were refused (%(requests)s): %(cause)s") % {
            "requests": _requests(row.requests),
            "cause": in_language(words.cause),
        }
        yield in_sentences(said, in_language(words.cure))


def _requests(count: int) -> str:
    return ngettext("%(count)d request", "%(count)d requests", count) % {"count": count}


def _used(use: SecretUse | None) -> Any:
    return {"requests": _requests(use.requests), "last": ago(use.last_at)} if use else None


def _advice(following: SecretUse | None) -> str:
    if following is None:
        return gettext(
            "The platform does not use the next one yet: enter it in the developer console. If it is not used until then, it "
            "is dropped."
        )
    return gettext(
        "The platform uses the next one. It takes the place of the current one by itself when that has not been used for "
        "8 hours."
    )


def _question(bot: Bot) -> str:
    used = set(bot.secret_uses.filter(is_next=True).values_list("secret", flat=True))
    unused = [secret.label for secret in bot.next_secrets if secret.value not in used]
    text = gettext(
        "The current ones are no longer valid: requests that the platform still proves with them are refused."
    )
    if not unused:
        return text
    warning = gettext("No request has used it yet: %(secrets)s.") % {"secrets": ", ".join(map(str, unused))}
    return f"{text} {warning}"
