"""Form fields of the console: secrets that can be written but not read, lists edited one entry a line, and rows chosen by name."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.forms import Media, Script
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from core.console.rendering import exact

if TYPE_CHECKING:
    from django.utils.datastructures import MultiValueDict
    from django_stubs_ext import StrOrPromise

    PasswordInput = forms.PasswordInput
    Select = forms.Select
    Textarea = forms.Textarea
else:
    PasswordInput = UnfoldAdminPasswordWidget
    Select = UnfoldAdminSelectWidget
    Textarea = UnfoldAdminTextareaWidget

M = TypeVar("M", bound=Model)

MOST_CHOICES = 2_000
"""Rows that a list of choices offers beside those that are chosen."""


class Removed(str):
    """The value of a secret field whose stored value the operator removes."""

    __slots__ = ()


class SecretInput(PasswordInput):
    """A password input that never renders a value. ``is_set``, ``until`` for a secret with an end, and ``removable`` are set
    by the form."""

    template_name = "access/secret.html"
    is_set = False
    until: datetime | None = None
    removable = False

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:  # noqa: ARG002 -- on purpose
        context = super().get_context(name, None, attrs)
        context["widget"] |= {
            "is_set": self.is_set,
            "until": exact(self.until) if self.until else "",
            "removable": self.removable and self.is_set,
        }
        return context

    def value_from_datadict(
        self, data: Mapping[str, Any], files: "MultiValueDict[str, Any]", name: str
    ) -> Any:
        value = super().value_from_datadict(data, files, name)
        return Removed() if not value and data.get(f"{name}-remove") and self.removable else value


class SecretField(forms.CharField):
    """Empty: the stored value stays. A ``Removed``: it goes."""

    widget = SecretInput

    def __init__(self, *, label: "StrOrPromise", help_text: "StrOrPromise") -> None:
        widget = SecretInput({"autocomplete": "new-password"})
        super().__init__(label=label, help_text=help_text, required=False, widget=widget)

    def to_python(self, value: Any) -> Any:
        return value if isinstance(value, Removed) else super().to_python(value)

    def has_changed(self, initial: Any, data: Any) -> bool:  # noqa: ARG002 -- Django's signature
        return bool(data) or isinstance(data, Removed)


class LinesField(forms.CharField):
    """A list of texts, one a line; repetitions and empty lines are dropped.

    ``check`` is called with each entry and raises ValidationError; ``widget`` shows the lines.
    """

    def __init__(
        self,
        *,
        check: Callable[[str], None] | None = None,
        most: int = 50,
        rows: int = 5,
        widget: type[Textarea] = Textarea,
        **kwargs: Any,
    ) -> None:
        self._check = check
        self._most = most
        attrs = {"rows": rows, "spellcheck": "false", "class": "portal-lines"}
        super().__init__(widget=widget(attrs), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return (
            "\n".join(map(str, value))
            if isinstance(value, Sequence) and not isinstance(value, str)
            else value
        )

    def to_python(self, value: Any) -> Any:
        text = "\n".join(map(str, value)) if isinstance(value, list) else str(value or "")
        return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))

    def run_validators(self, value: Any) -> None:
        if len(value) > self._most:
            raise ValidationError(_("No more than %(most)d entries."), params={"most": self._most})
        if self._check:
            for entry in value:
                self._check(entry)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(list(initial or []) != self.to_python(data))


class _Names(forms.models.ModelChoiceIterator[Any]):
    """The keys and names alone: there may be a thousand rows."""

    def __iter__(self) -> Iterator[tuple[Any, str]]:
        if self.field.empty_label is not None:
            yield "", str(self.field.empty_label)
        yield from cast("Any", self.queryset).values_list("pk", "name")


class NamedChoiceField(forms.ModelChoiceField[M]):
    """One of many rows that are called by their column ``name``."""

    iterator = _Names
    widget = Select

    def chosen(self, value: Any) -> M | None:
        """The row with this key; None where it is none of the choices."""
        try:
            row: M | None = self.to_python(value)
        except ValidationError:
            return None
        return row


class SearchableChoices(forms.CheckboxSelectMultiple):
    """Checkboxes with names, those that are ticked first, and a box that a script searches them with. Without scripts there is the
    list alone. Draws the choices of `NamedMultipleChoiceField`."""

    template_name = "access/choices.html"
    input_type = "select"
    """As Unfold sees it: it would write the label of a checkbox behind it."""
    label: "StrOrPromise | None" = None
    search: "StrOrPromise" = ""

    @property
    def media(self) -> Media:
        return Media(js=[Script("portal/choices.js", type="module")])  # type: ignore[list-item]  # the stubs know strings alone

    def optgroups(self, name: str, value: list[str], attrs: dict[str, Any] | None = None) -> list[Any]:  # noqa: ARG002 -- Django's signature
        """None: the template draws the rows, as one for each option is slow for a thousand."""
        return []

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        keys = set(context["widget"]["value"])
        ticked: list[tuple[Any, str, str]] = []
        others: list[tuple[Any, str, str]] = []
        is_cut = False
        for key, called, detail in cast("Any", self.choices):
            if str(key) in keys:
                ticked.append((key, called, detail))
            elif len(others) < MOST_CHOICES:
                others.append((key, called, detail))
            else:
                is_cut = True
        context |= {"ticked": ticked, "others": others, "most": MOST_CHOICES if is_cut else None}
        return context | {"label": self.label, "search": self.search or _("Search by name")}


class _Described(forms.models.ModelChoiceIterator[Any]):
    """The keys, names and details alone, in the order of the names."""

    def __iter__(self) -> Iterator[Any]:
        field = cast("NamedMultipleChoiceField[Any]", self.field)
        key = field.to_field_name or "pk"
        rows = cast("Any", self.queryset).order_by(field.called, "pk")
        for row in rows.values(*{key, field.called, field.detail or key}):
            yield row[key], row[field.called], row[field.detail] if field.detail else ""


class NamedMultipleChoiceField(forms.ModelMultipleChoiceField[M]):
    """Any of many rows. ``called``: the column with their names; ``detail``: one that is shown and searched beside it; ``search``:
    what can be searched for, in words. Without ``queryset`` the form sets it."""

    iterator = cast("Any", _Described)
    widget = SearchableChoices

    def __init__(
        self,
        queryset: QuerySet[M] | None = None,
        *,
        called: str = "name",
        detail: str = "",
        search: "StrOrPromise" = "",
        **kwargs: Any,
    ) -> None:
        self.called = called
        self.detail = detail
        super().__init__(queryset, **kwargs)
        widget = cast("SearchableChoices", self.widget)
        widget.label, widget.search = self.label, search


def check_no_blanks(entry: str) -> None:
    """An entry is one word."""
    if entry.split() != [entry]:
        raise ValidationError(
            _("“%(entry)s” contains a space: write one entry on each line."), params={"entry": entry}
        )
