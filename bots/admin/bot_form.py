"""The form of a bot: its secrets can be written, replaced and removed, and never read."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from bots.admin.scope_picker import ScopesInput
from bots.destinations import FIELDS, Destination, check_hosts, check_secret
from bots.enums import WebhookSecret
from bots.models import Bot, default_scopes
from bots.validators import validate_proxy, validate_scope
from bots.webhook import rotation
from core.console.base import KnowsOperator
from core.console.fields import LinesField, Removed, SecretField, SecretInput
from core.vault.fields import encrypted_field

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Bot]
else:
    ModelForm = forms.ModelForm


KEYS = ("app_secret", "encrypt_key", "verification_token")
NEXT = tuple(secret.next_field for secret in WebhookSecret)
SECRETS = (*KEYS, *NEXT, "proxy_url")
DAYS = (1, 3, 7, 30)
"""How long a rotation may last, as offered."""


class BotForm(KnowsOperator, ModelForm):
    """Secrets are fields of the form but not of its model part: they are never read to be shown."""

    sets_end = False
    """Whether the operator chose how long a rotation lasts."""

    app_secret = SecretField(
        label=_("App Secret"), help_text=_("Developer console → Credentials & basic info.")
    )
    encrypt_key = SecretField(
        label=_("Encrypt Key"),
        help_text=_("Developer console → Events & callbacks → Encryption strategy. Webhook only."),
    )
    verification_token = SecretField(
        label=_("Verification Token"), help_text=_("On the same page as the Encrypt Key. Webhook only.")
    )
    next_encrypt_key = SecretField(
        label=_("Next Encrypt Key"),
        help_text=_("Enter it here first, then the same in the developer console."),
    )
    next_verification_token = SecretField(
        label=_("Next Verification Token"),
        help_text=_("Enter it here as soon as it was reset in the developer console."),
    )
    rotation_days = forms.TypedChoiceField(
        label=_("Both valid for"),
        coerce=int,
        empty_value=None,
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=_(
            "From now on. A next secret that the platform uses takes the place of the current one; one that it never used is "
            "dropped at the end."
        ),
    )
    proxy_url = SecretField(
        label=_("Proxy"),
        help_text=_(
            "http://user:password@host:port. Everything this bot sends to the platform goes through it, long connections "
            "included. Without one, HTTPS_PROXY and NO_PROXY of the processes decide."
        ),
    )
    auth_scopes = LinesField(
        label=_("Scopes to ask for"),
        check=validate_scope,
        widget=ScopesInput,
        initial=default_scopes,
        help_text=_(
            "One a line. An authorization card asks for these unless it is told otherwise. "
            "Keep offline_access: without it an authorization ends after two hours."
        ),
    )

    class Meta:
        model = Bot
        exclude = SECRETS
        labels = {"slot_count": _("Number of long connections")}
        help_texts = {
            "slot_count": _(
                "From 1 to 50, shared among the processes. One is enough for most bots; with two, events keep coming while one of "
                "them is lost."
            ),
            "token_endpoint": _(
                "The version that the platform offers. Feishu and Lark have v3; an older one is for custom platforms that lack it."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            self.fields["app_secret"].required = True
        for name in SECRETS:
            widget = self.fields[name].widget if name in self.fields else None
            if isinstance(widget, SecretInput):
                widget.is_set = encrypted_field(Bot, name).is_set(self.instance)
                widget.removable = name != "app_secret"
                widget.until = self.instance.rotation_ends_at if name in NEXT else None
        if "rotation_days" in self.fields:
            self._offer_days()

    def _offer_days(self) -> None:
        choices: list[tuple[int | str, str]] = [
            (days, ngettext("%(count)d day", "%(count)d days", days) % {"count": days}) for days in DAYS
        ]
        if self.instance.rotation_ends_at:
            choices.insert(0, ("", gettext("unchanged")))
        field = cast("forms.TypedChoiceField", self.fields["rotation_days"])
        field.choices = choices
        self.initial["rotation_days"] = "" if self.instance.rotation_ends_at else rotation.LASTS.days

    def clean_proxy_url(self) -> str:
        """By hand: the model's own checks leave out what is not in its part of the form."""
        value: str = self.cleaned_data["proxy_url"]
        validate_proxy(value)
        return value

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            self._check_destination(cleaned)
        return cleaned

    def _check_destination(self, cleaned: dict[str, Any]) -> None:
        before = None if self.instance._state.adding else Destination.of(self.instance)
        proxy = cleaned.get("proxy_url", "")
        is_kept = not proxy and not isinstance(proxy, Removed)
        kept = before.proxy_url if before else ""
        edited = Bot(**{name: cleaned[name] for name in FIELDS if name in cleaned and name != "proxy_url"})
        edited.proxy_url = kept if is_kept else str(proxy)
        after = Destination.of(edited)
        try:
            if before is not None:
                check_secret(before, after, is_secret_given=bool(cleaned.get("app_secret")))
            check_hosts(before, after, may_choose=self.operator.is_superuser)
        except ValidationError as error:
            self.add_error(None, error)

    def _post_clean(self) -> None:
        """Secrets after the other fields, and the App Secret last: it is sealed for the destination that those make."""
        super()._post_clean()  # type: ignore[misc]  # not in the stubs
        if self.errors:
            return
        for name in reversed(SECRETS):
            value = self.cleaned_data.get(name, "")
            if value or isinstance(value, Removed):
                setattr(self.instance, name, str(value))
        try:
            rotation.check(self.instance)
        except ValidationError as error:
            self.add_error(None, error)
            return
        days = self.cleaned_data.get("rotation_days")
        is_given = any(self.cleaned_data.get(name) for name in NEXT)
        if days and self.instance.next_secrets and (is_given or "rotation_days" in self.changed_data):
            self.instance.rotation_ends_at = timezone.now() + timedelta(days=days)
            self.sets_end = True

    @property
    def changed_fields(self) -> list[str]:
        """Names of the bot's fields with another value."""
        changed = [name for name in self.changed_data if name != "rotation_days"]
        return [*changed, "rotation_ends_at"] if self.sets_end else changed
