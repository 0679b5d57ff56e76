"""The form of a bot: its secrets can be written, replaced and removed, and never read."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from bots.destinations import FIELDS, Destination, check_hosts, check_secret
from bots.models import Bot
from bots.validators import validate_proxy, validate_scope
from core.console.fields import LinesField, Removed, SecretField, SecretInput
from core.vault.fields import encrypted_field

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Bot]
else:
    ModelForm = forms.ModelForm


KEYS = ("app_secret", "encrypt_key", "verification_token")
SECRETS = (*KEYS, "proxy_url")


class BotForm(ModelForm):
    """Secrets are fields of the form but not of its model part: they are never read to be shown."""

    may_choose_hosts = False
    """Whether the operator may enter any address of a platform; set by the admin for each request."""

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
        help_text=_(
            "One a line. An authorization card asks for these unless it is told otherwise. "
            "Keep offline_access: without it an authorization ends after two hours."
        ),
    )

    class Meta:
        model = Bot
        exclude = SECRETS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            self.fields["app_secret"].required = True
        for name in SECRETS:
            widget = self.fields[name].widget if name in self.fields else None
            if isinstance(widget, SecretInput):
                widget.is_set = encrypted_field(Bot, name).is_set(self.instance)
                widget.removable = name != "app_secret"

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
            check_hosts(before, after, may_choose=self.may_choose_hosts)
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
