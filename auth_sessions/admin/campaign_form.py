"""The form of a new campaign: who is asked, for what, and how they are named."""

from collections.abc import Iterator
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from auth_sessions.admin.asking import RequestForm
from auth_sessions.campaigns.service import MAX_CARD_DAYS
from bots.admin.people import PeopleInput
from bots.enums import RecipientKind
from bots.mailings.recipients import MAX_GIVEN, MAX_NAMED, Named
from core.console.fields import LinesField

MAX_DEPARTMENTS: Final = 50


def check_length(entry: str) -> None:
    if len(entry) > MAX_GIVEN:
        raise ValidationError(_("An entry has no more than %(most)d characters."), params={"most": MAX_GIVEN})


class CampaignForm(RequestForm):
    """Who is asked for what; nobody is before the list has been looked at."""

    field_order = (
        "name", "bot", "open_ids", "listed", "departments", "scopes", "why", "via", "card_days",
    )  # fmt: skip
    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("For you and your colleagues; the people do not see it."),
    )
    open_ids = LinesField(
        label=_("People"),
        required=False,
        check=check_length,
        most=MAX_NAMED,
        widget=PeopleInput,
        help_text=_("Search by name among the people this bot has to do with."),
    )
    listed = LinesField(
        label=_("List of people"),
        required=False,
        check=check_length,
        most=MAX_NAMED,
        rows=8,
        help_text=_(
            "E-mail address, phone number, employee number (user_id), name, open_id or union_id, one a line, e.g. copied from a "
            "spreadsheet. A name is looked for among the people this bot has to do with."
        ),
    )
    departments = LinesField(
        label=_("Departments"),
        required=False,
        check=check_length,
        most=MAX_DEPARTMENTS,
        rows=3,
        help_text=_(
            "Name or ID (od-…), one a line; with all departments below. 0 is the whole company, as far as the app's contact "
            "range goes."
        ),
    )
    card_days = forms.IntegerField(
        label=_("Cards valid for (days)"),
        initial=3,
        min_value=1,
        max_value=MAX_CARD_DAYS,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_CARD_DAYS)],
        widget=UnfoldAdminIntegerFieldWidget,
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        named = list(self.named(cleaned))
        for one in named:
            if one.kind == RecipientKind.CHAT_ID:
                words = _("“%(entry)s” is a chat, not a person.")
                raise ValidationError(words, params={"entry": one.given})
        if not named and not self.errors:
            raise ValidationError(_("Name at least one person or department."))
        if len(named) > MAX_NAMED:
            raise ValidationError(_("No more than %(most)d entries."), params={"most": MAX_NAMED})
        return cleaned | {"named": named}

    @staticmethod
    def named(cleaned: dict[str, Any]) -> Iterator[Named]:
        for line in (*(cleaned.get("open_ids") or ()), *(cleaned.get("listed") or ())):
            yield Named.by_look(line)
        for line in cleaned.get("departments") or ():
            yield Named(RecipientKind.DEPARTMENT, line)
