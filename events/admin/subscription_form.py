"""The form of a subscription."""

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from bots.models import Bot
from core.console.fields import LinesField, NamedMultipleChoiceField, check_no_blanks
from events.enums import SubscriptionKind
from events.models import Subscription
from events.subscriptions.filters import MAX_CONDITIONS, parse_condition
from feishu.networks import Networks, written_address

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Subscription]
else:
    ModelForm = forms.ModelForm


def check_condition(line: str) -> None:
    """An entry is a condition of a filter."""
    try:
        parse_condition(line)
    except ValueError:
        raise ValidationError(
            _("“%(entry)s” is not a condition: write path = value, or path in value, value."),
            params={"entry": line},
        ) from None


def check_url(value: str) -> None:
    """An address that events can be pushed to."""
    try:
        parts = urlsplit(value)
        is_valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_valid = False
    if not is_valid or "@" in parts.netloc or parts.fragment or not value.isprintable() or " " in value:
        raise ValidationError(_("Use an address such as https://shop.example.com/feishu-events."))


def check_network(url: str) -> None:
    """An IP address is in a network that the portal may connect to. A name may lead elsewhere by the time that something is sent,
    so it is judged then."""
    address = written_address(urlsplit(url).hostname or "")
    networks = Networks.parse(settings.DELIVERY_NETWORKS)
    if address and not networks.allows(address):
        raise ValidationError(
            _(
                "%(address)s is in a network that may not be connected to. If the network is the company's own, an "
                "administrator adds it to %(setting)s."
            ),
            params={"address": address, "setting": networks.setting},
        )


class SubscriptionForm(ModelForm):
    event_types = LinesField(
        label=_("Event types"),
        check=check_no_blanks,
        most=100,
        rows=3,
        initial=["*"],
        help_text=_(
            "One a line, e.g. im.message.receive_v1. * stands for anything: contact.user.*_v3, or * alone for every event. "
            "Callbacks, such as card.action.trigger for clicks on cards, go to subscriptions alone that answer them, and "
            "those get nothing else."
        ),
    )
    filter = LinesField(
        label=_("Filter"),
        required=False,
        check=check_condition,
        most=MAX_CONDITIONS,
        rows=3,
        help_text=_(
            "Conditions on the event's JSON, one a line, all of which must hold: event.message.chat_type = p2p, or "
            "event.message.chat_id in oc_1, oc_2. Without one, every event of these types is delivered."
        ),
    )

    class Meta:
        model = Subscription
        fields = ("name", "kind", "url", "all_bots", "bots", "event_types", "filter", "expand", "per_second")
        help_texts = {
            "url": _(
                "An IP address has to be in FEISHU_DELIVERY_NETWORKS. Where a host name leads is seen when something is sent: "
                "“Send test”, on the subscription's page, tells whether that is allowed."
            ),
            "kind": _(
                "Asked to answer: a click that no handler of the portal answers is sent to the address while the person "
                "waits, and the toast and card in the response are shown. Of several subscriptions that fit, the one that "
                "was added first is asked."
            ),
        }

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        errors: dict[str, Any] = {}
        bots = [*(cleaned.get("bots") or ())]
        if not cleaned.get("all_bots"):
            bots += self._unseen()
        if bool(cleaned.get("all_bots")) == bool(bots):
            errors["bots"] = _("Name the bots, or choose “all bots”; one of the two.")
        cleaned["bots"] = bots
        kind = cleaned.get("kind", self.instance.kind)
        if kind == SubscriptionKind.ANSWER:
            cleaned["expand"] = False
        if kind != SubscriptionKind.PUSH:
            cleaned["per_second"] = None
        if kind == SubscriptionKind.PULL:
            cleaned["url"] = ""
        elif cleaned.get("url"):
            try:
                check_url(cleaned["url"])
                check_network(cleaned["url"])
            except ValidationError as error:
                errors["url"] = error
        if errors:
            raise ValidationError(errors)
        return cleaned

    def _unseen(self) -> list[Bot]:
        """Bots of the subscription that the operator does not see, e.g. no longer owns: the form neither shows nor takes them away."""
        if self.instance._state.adding:
            return []
        field = cast("NamedMultipleChoiceField[Bot]", self.fields["bots"])
        seen = {bot.pk for bot in cast("Any", field.queryset)}
        return [bot for bot in self.instance.bots.all() if bot.pk not in seen]
