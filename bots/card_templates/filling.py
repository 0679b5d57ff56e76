"""Putting values in the places of a card's variables, ``{{name}}``. Pure.

Where a variable stands decides what becomes of its value, so that a value is only ever read: in Markdown it is escaped, in an
address it is encoded, and where the card says what it does, such as which action a click asks for, no variable may stand.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final
from urllib.parse import quote

from django.utils.translation import gettext_noop as _

from bots.card_templates.variables import Value, Variable
from bots.enums import VariableKind
from bots.errors import TemplateError
from feishu.cards import escape, single_line

Json = dict[str, Any]

MAX_DEPTH: Final = 60
"""Levels of a card; the platform's own limit for components is five."""
_PLACE: Final = re.compile(r"\{\{([^{}]{0,200})\}\}")
_BEFORE_VARIABLE: Final = re.compile(r"(?:https?|lark|feishu)://[^/?#{}\\@\s]+[/?#]", re.IGNORECASE)
"""What an address has before its first variable: scheme and host, so that no value leads elsewhere."""
_IN_ADDRESS: Final = ":/?#@&+,;=%-._"
"""Characters that an address keeps inside Markdown; brackets and quotes would end it there."""
_NUMBERED: Final = re.compile(r"^(\d+)\.")


class Place(Enum):
    """What a text of a card is to the platform."""

    MARKDOWN = "markdown"
    PLAIN = "plain"
    ADDRESS = "address"
    DATA = "data"
    """What a click brings back to its handler."""
    IMAGE = "image"
    PERSON = "person"
    SETTING = "setting"
    FIXED = "fixed"


_TEXTS: Final = frozenset({Place.MARKDOWN, Place.PLAIN})
_MARKDOWN_TAGS: Final = frozenset({"markdown", "lark_md"})
_BY_KEY: Final[Mapping[str, Place]] = {
    **dict.fromkeys(("url", "default_url", "pc_url", "ios_url", "android_url"), Place.ADDRESS),
    **dict.fromkeys(("img_key", "i18n_img_key"), Place.IMAGE),
    **dict.fromkeys(("user_id", "id"), Place.PERSON),
    **dict.fromkeys(
        ("default_value", "initial_option", "initial_date", "initial_time", "initial_datetime", "display_name"),
        Place.PLAIN,
    ),
    # What a component is, and what its click does.
    **dict.fromkeys(
        (
            "tag", "schema", "name", "element_id", "action", "once", "action_type", "form_action_type", "card_id", "template_id",
        ),
        Place.FIXED,
    ),
}  # fmt: skip
_ALLOWED: Final[Mapping[Place, frozenset[VariableKind]]] = {
    Place.MARKDOWN: frozenset(VariableKind) - {VariableKind.BOOLEAN},
    Place.PLAIN: frozenset(VariableKind) - {VariableKind.BOOLEAN},
    Place.ADDRESS: frozenset(
        {VariableKind.TEXT, VariableKind.NUMBER, VariableKind.PERSON, VariableKind.CHOICE, VariableKind.LINK}
    ),
    Place.DATA: frozenset(VariableKind),
    Place.IMAGE: frozenset({VariableKind.IMAGE}),
    Place.PERSON: frozenset({VariableKind.PERSON}),
    Place.SETTING: frozenset({VariableKind.NUMBER, VariableKind.BOOLEAN, VariableKind.CHOICE}),
    Place.FIXED: frozenset(),
}
_AS_JSON: Final = frozenset({VariableKind.NUMBER, VariableKind.BOOLEAN})
"""Kinds that stay a number, true or false where a text holds nothing else, except in texts for people."""


@dataclass(frozen=True, slots=True)
class _Where:
    """Where in the card a value stands: its place, the columns of the table around it, and the way there for errors."""

    place: Place
    path: str
    columns: Mapping[str, Place] | None = None


def fill(card: Json, variables: Mapping[str, Variable], values: Mapping[str, Value]) -> Json:
    """A copy of the card with the values in their places. Raises TemplateError for a variable that is not declared, or stands
    where one of its kind may not."""
    filled: Json = _Filling(variables, values).of(card, _Where(Place.SETTING, "card"), depth=0)
    return filled


def names_in(card: object) -> frozenset[str]:
    """The variables that stand anywhere in the card."""
    if isinstance(card, dict):
        return frozenset().union(*map(names_in, card.values()))
    if isinstance(card, list):
        return frozenset().union(*map(names_in, card))
    return frozenset(name.strip() for name in _PLACE.findall(card)) if isinstance(card, str) else frozenset()


class _Filling:
    def __init__(self, variables: Mapping[str, Variable], values: Mapping[str, Value]) -> None:
        self._variables = variables
        self._values = values

    def of(self, value: Any, where: _Where, *, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise TemplateError(_("The card is nested too deeply."))
        if isinstance(value, dict):
            return {
                key: self.of(inner, _below(value, key, inner, where), depth=depth + 1)
                for key, inner in value.items()
            }
        if isinstance(value, list):
            return [
                self.of(inner, _Where(where.place, f"{where.path}[{index}]", where.columns), depth=depth + 1)
                for index, inner in enumerate(value)
            ]
        return self._text(value, where) if isinstance(value, str) and "{{" in value else value

    def _text(self, text: str, where: _Where) -> Any:
        whole = _PLACE.fullmatch(text)
        variable = self._variable(whole[1], where) if whole else None
        if variable and variable.kind in _AS_JSON and where.place not in _TEXTS | {Place.ADDRESS}:
            return self._values[variable.name]
        if where.place in {Place.SETTING, Place.IMAGE, Place.PERSON} and not whole:
            raise TemplateError(
                _("At %(path)s a variable has to stand alone, without text around it."), path=where.path
            )
        if where.place == Place.ADDRESS and not whole:
            self._check_address(text, where)
        return _PLACE.sub(lambda found: self._written(found, where, is_whole=bool(whole)), text)

    def _check_address(self, text: str, where: _Where) -> None:
        if not _BEFORE_VARIABLE.match(text[: text.index("{{")]):
            raise TemplateError(
                _("The address at %(path)s needs its scheme and host before the first variable."),
                path=where.path,
            )

    def _variable(self, written: str, where: _Where) -> Variable:
        name = written.strip()
        variable = self._variables.get(name)
        if variable is None:
            raise TemplateError(
                _("“{{%(name)s}}” at %(path)s is not declared as a variable."), name=name, path=where.path
            )
        if variable.kind not in _ALLOWED[where.place]:
            raise TemplateError(
                _("“%(name)s” may not stand at %(path)s: no variable of the type %(kind)s may."),
                path=where.path,
                kind=variable.kind.value,
                name=name,
            )
        return variable

    def _written(self, found: re.Match[str], where: _Where, *, is_whole: bool) -> str:
        variable = self._variable(found[1], where)
        value, text = self._values[variable.name], str(self._values[variable.name])
        if variable.kind == VariableKind.CHOICE:
            return text  # the template's author wrote it
        match where.place:
            case Place.ADDRESS:
                return self._in_address(variable, text, where, is_whole=is_whole)
            case Place.MARKDOWN if variable.kind == VariableKind.LINK:
                return quote(text, safe=_IN_ADDRESS)
            case Place.MARKDOWN if variable.kind == VariableKind.TEXT:
                return _in_markdown(text)
            case Place.MARKDOWN | Place.PLAIN:
                return single_line(text)
        return text if isinstance(value, str) else str(value)

    def _in_address(self, variable: Variable, text: str, where: _Where, *, is_whole: bool) -> str:
        if variable.kind == VariableKind.LINK:
            if is_whole:
                return text
            raise TemplateError(
                _("The address “%(name)s” has to stand alone at %(path)s."),
                name=variable.name,
                path=where.path,
            )
        if is_whole:
            raise TemplateError(
                _("At %(path)s a variable that is a whole address needs the type link."), path=where.path
            )
        if text in {".", ".."}:  # would lead to another path of the host
            raise TemplateError(
                _("The variable “%(name)s” cannot be “%(value)s”."), name=variable.name, value=text
            )
        return quote(text, safe="")


def _in_markdown(text: str) -> str:
    """The lines of a text, without markup of its own."""
    lines = (escape(line) for line in text.splitlines())
    return _NUMBERED.sub(r"\1&#46;", "<br>".join(lines))


def _below(parent: Json, key: str, value: Any, where: _Where) -> _Where:
    """Where the value under ``key`` of ``parent`` stands."""
    if "{{" in key:
        raise TemplateError(
            _("A variable cannot be the name of a member: %(path)s."), path=f"{where.path}.{key[:60]}"
        )
    path = f"{where.path}.{key[:60]}"
    if where.columns is not None and where.place == Place.DATA and key in where.columns:
        return _Where(where.columns[key], path)
    if parent.get("tag") == "table" and key == "rows":
        return _Where(Place.DATA, path, _columns(parent.get("columns")))
    return _Where(_place(parent, key, value, where), path)


def _place(parent: Json, key: str, value: Any, where: _Where) -> Place:
    place = _BY_KEY.get(key, Place.SETTING)
    if where.place in _TEXTS:  # under the key of a language
        place = where.place
    elif key == "chart_spec" or (where.place == Place.DATA and key not in {"action", "once"}):
        place = Place.DATA
    elif key == "value":
        place = _place_of_value(parent, value)
    elif key in {"content", "i18n_content", "i18n"}:
        place = Place.MARKDOWN if _is_markdown(parent.get("tag")) else Place.PLAIN
    elif key == "type" and parent.get("tag") != "button":
        place = Place.FIXED
    elif where.place in {Place.IMAGE, Place.FIXED}:  # in every language
        place = where.place
    return place


def _place_of_value(parent: Json, value: Any) -> Place:
    """Of an option, or of what is clicked: there a plain word would be the action that is asked for, and JSON in a text could
    hold one."""
    if "tag" not in parent and parent.get("type") != "callback":
        return Place.PLAIN
    return Place.DATA if isinstance(value, dict) else Place.FIXED


def _columns(columns: Any) -> dict[str, Place]:
    """What the cells of each column of a table are."""
    found = {}
    for column in columns if isinstance(columns, list) else ():
        if isinstance(column, dict) and isinstance(name := column.get("name"), str):
            found[name] = Place.MARKDOWN if _is_markdown(column.get("data_type")) else Place.DATA
    return found


def _is_markdown(tag: Any) -> bool:
    return isinstance(tag, str) and tag in _MARKDOWN_TAGS
