"""Small forms of the pages about signing in, in Unfold's look."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import BASE_INPUT_CLASSES

from core.access.models import MAX_FACTOR_NAME

_LOOK = {"class": " ".join(BASE_INPUT_CLASSES)}


class CodeForm(forms.Form):
    """A code of the app, or a recovery code."""

    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        widget=forms.TextInput(
            {
                **_LOOK,
                "autocomplete": "one-time-code",
                "autocapitalize": "none",
                "spellcheck": "false",
                "autofocus": "",
            }
        ),
    )


class PasswordForm(forms.Form):
    """The operator's password once more."""

    password = forms.CharField(
        label=_("Password"),
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput({**_LOOK, "autocomplete": "current-password", "autofocus": ""}),
    )


class AppForm(forms.Form):
    """The first code of an authenticator app, and what to call it."""

    code = forms.CharField(
        label=_("Code that the app shows"),
        max_length=10,
        widget=forms.TextInput(
            {**_LOOK, "autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": ""}
        ),
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=MAX_FACTOR_NAME,
        required=False,
        help_text=_("To tell it from others, e.g. “Phone”."),
        widget=forms.TextInput(_LOOK),
    )


def wrong(form: forms.Form, field: str, words: Any) -> None:
    """Say at the field what is wrong."""
    form.add_error(field, forms.ValidationError(words))
