"""Variables of card templates: how they are declared, and which values they take. Pure.

Declared in JSON, by name: ``{"title": {"type": "text", "default": "None", "example": "Disk full"}}``. One without a default
has to be given by whoever sends the card; the example is for the preview alone.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from django.utils.translation import gettext_noop as _

from bots.enums import VariableKind
from bots.errors import TemplateError

Value: TypeAlias = str | int | float | bool

MAX_VARIABLES: Final = 50
MAX_CHOICES: Final = 50
MAX_LINK: Final = 2000
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_IMAGE: Final = re.compile(r"img_[A-Za-z0-9_\-]{1,120}", re.ASCII)
_PERSON: Final = re.compile(r"ou_[A-Za-z0-9_\-]{1,120}", re.ASCII)
_MEMBERS: Final = frozenset({"type", "description", "default", "example", "choices"})
_SAMPLES: Final[Mapping[VariableKind, Value]] = {
    VariableKind.TEXT: "…",
    VariableKind.NUMBER: 1,
    VariableKind.BOOLEAN: True,
    VariableKind.LINK: "https://example.com/",
    VariableKind.IMAGE: "img_example",
    VariableKind.PERSON: "ou_example",
}


@dataclass(frozen=True, slots=True)
class Variable:
    """``default``: None for one that senders have to give."""

    name: str
    kind: VariableKind
    description: str = ""
    default: Value | None = None
    example: Value | None = None
    choices: tuple[str, ...] = ()

    @property
    def sample(self) -> Value:
        """What the preview shows: the example, else the default, else something of its kind."""
        for value in (self.example, self.default):
            if value is not None:
                return value
        return self.choices[0] if self.choices else _SAMPLES[self.kind]

    def checked(self, value: object) -> Value:
        """The value, which is of the variable's kind. Raises TemplateError."""
        match self.kind:
            case VariableKind.BOOLEAN:
                if isinstance(value, bool):
                    return value
                raise TemplateError(_("The variable “%(name)s” is true or false."), name=self.name)
            case VariableKind.NUMBER:
                if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
                    return value
                raise TemplateError(_("The variable “%(name)s” is a number."), name=self.name)
        if not isinstance(value, str):
            raise TemplateError(_("The variable “%(name)s” is a text."), name=self.name)
        if self.kind == VariableKind.CHOICE and value not in self.choices:
            raise TemplateError(
                _("The variable “%(name)s” is one of: %(choices)s."),
                name=self.name,
                choices=", ".join(self.choices),
            )
        if self.kind == VariableKind.LINK and not is_link(value):
            raise TemplateError(
                _("The variable “%(name)s” is an address that begins with http:// or https://."),
                name=self.name,
            )
        if self.kind == VariableKind.IMAGE and not _IMAGE.fullmatch(value):
            raise TemplateError(_("The variable “%(name)s” is an image key, img_…."), name=self.name)
        if self.kind == VariableKind.PERSON and not _PERSON.fullmatch(value):
            raise TemplateError(_("The variable “%(name)s” is an open_id, ou_…."), name=self.name)
        return value


def declared(variables: object) -> dict[str, Variable]:
    """The variables of a template by name. Raises TemplateError for a declaration that cannot be."""
    if not isinstance(variables, dict):
        raise TemplateError(_("The variables are a JSON object, by name."))
    if len(variables) > MAX_VARIABLES:
        raise TemplateError(_("A card has no more than %(most)d variables."), most=MAX_VARIABLES)
    return {name: _variable(name, given) for name, given in variables.items()}


def values_for(variables: Mapping[str, Variable], given: Mapping[str, Any]) -> dict[str, Value]:
    """The value of each variable: what was given, else its default. Raises TemplateError for one that is missing, unknown or
    of another kind."""
    if unknown := [name for name in given if name not in variables]:
        raise TemplateError(
            _("The card template has no variable “%(name)s”. It has: %(names)s."),
            name=unknown[0][:100],
            names=", ".join(variables) or "–",
        )
    values: dict[str, Value] = {}
    for name, variable in variables.items():
        if name in given:
            values[name] = variable.checked(given[name])
        elif variable.default is not None:
            values[name] = variable.default
        else:
            raise TemplateError(_("The variable “%(name)s” is missing."), name=name)
    return values


def is_link(text: str) -> bool:
    """Whether it is an address that a browser may be sent to."""
    if len(text) > MAX_LINK or not text.isprintable() or " " in text or "\\" in text:
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def _variable(name: str, given: object) -> Variable:
    if not NAME.fullmatch(name):
        raise TemplateError(
            _(
                "“%(name)s” is not a name: use lower-case letters, digits and _, at most 40 characters, and begin with a "
                "letter."
            ),
            name=name[:100],
        )
    if not isinstance(given, dict) or given.get("type") not in VariableKind.values:
        raise TemplateError(
            _('The variable “%(name)s” needs a type: {"type": "text"}, or one of %(kinds)s.'),
            name=name,
            kinds=", ".join(VariableKind.values),
        )
    if unknown := sorted(given.keys() - _MEMBERS):
        raise TemplateError(
            _("The variable “%(name)s” has a member “%(member)s” that is not known; there are %(members)s."),
            name=name,
            member=unknown[0][:100],
            members=", ".join(sorted(_MEMBERS)),
        )
    kind, description = VariableKind(given["type"]), given.get("description", "")
    if not isinstance(description, str):
        raise TemplateError(_("The description of the variable “%(name)s” is a text."), name=name)
    bare = Variable(name, kind, description, choices=_choices(name, kind, given.get("choices")))
    default, example = (
        None if given.get(member) is None else bare.checked(given[member])
        for member in ("default", "example")
    )
    return Variable(name, kind, description, default, example, bare.choices)


def _choices(name: str, kind: VariableKind, given: object) -> tuple[str, ...]:
    if kind != VariableKind.CHOICE:
        if given is not None:
            raise TemplateError(
                _("Only a variable of the type choice has choices, not “%(name)s”."), name=name
            )
        return ()
    if (
        not isinstance(given, list)
        or not 0 < len(given) <= MAX_CHOICES
        or not all(isinstance(one, str) and one for one in given)
    ):
        raise TemplateError(
            _('The variable “%(name)s” needs its choices, at most %(most)d: "choices": ["red", "green"].'),
            name=name,
            most=MAX_CHOICES,
        )
    return tuple(given)
