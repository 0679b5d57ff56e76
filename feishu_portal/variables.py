"""Kinds of environment variables: how a value is written, what it becomes, and which values are refused.

A table of variables is a class, as a model is one of fields: on the class each attribute is a ``Variable``, on an
instance its value. See ``settings_table`` for the table and ``environment`` for how it is read.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, Self, TypeVar, overload

from feishu.text import Text

T = TypeVar("T")
Number = TypeVar("Number", int, float)

ON = ("on", "true", "yes", "ok", "y", "1")
OFF = ("off", "false", "no", "n", "0")


class WrongValueError(ValueError):
    """A value that a variable cannot have. ``text`` goes on where the variable's name stops: "has to be a number"."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en_us)
        self.text = text


class Table:
    """Values of the variables that a subclass declares."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    @classmethod
    def variables(cls) -> list["Variable[Any]"]:
        """Every variable, in the order of the declaration."""
        return [variable for variable in vars(cls).values() if isinstance(variable, Variable)]


class Variable(Generic[T]):
    """One environment variable, named as the attribute it is declared as."""

    name: str

    def __init__(
        self,
        help_text: Text,
        *,
        parse: Callable[[str], T],
        default: str = "",
        unset: Text | None = None,
        allowed: Text | None = None,
        example: str = "",
        is_secret: bool = False,
        takes_empty: bool = False,
    ) -> None:
        """``default`` is written as in ``.env`` and parsed like any value; ``unset`` is the default in words.

        ``parse`` returns the value of a stripped text, which is empty only as a default or with ``takes_empty``, and
        raises WrongValueError. Documents show ``allowed``, i.e. bounds, choices or a form, or else ``example``.
        """
        self.help = help_text
        self.parse = parse
        self.default = default
        self.unset = unset
        self.allowed = allowed
        self.example = example
        self.is_secret = is_secret
        self.takes_empty = takes_empty

    def __set_name__(self, owner: type[Table], name: str) -> None:
        self.name = name

    @overload
    def __get__(self, table: None, owner: type[Table]) -> Self: ...
    @overload
    def __get__(self, table: Table, owner: type[Table]) -> T: ...
    def __get__(self, table: Table | None, owner: type[Table]) -> Self | T:
        if table is None:
            return self
        value: T = table.values[self.name]
        return value


class KeyVariable(Variable[T]):
    """A secret that production must set, and that development makes once and keeps in a file under DATA_DIR."""

    def __init__(
        self,
        help_text: Text,
        *,
        parse: Callable[[str], T],
        allowed: Text,
        make: Callable[[], str],
        command: str,
        file: str,
    ) -> None:
        """``command`` makes a value in a shell, ``make`` does in development; ``file`` is where that one is kept."""
        super().__init__(
            help_text,
            parse=parse,
            unset=Text("必填；开发环境自动生成", "required; made in development"),
            allowed=allowed,
            is_secret=True,
        )
        self.make = make
        self.command = command
        self.file = file


def text(
    help_text: Text,
    *,
    parse: Callable[[str], str] = str,
    default: str = "",
    unset: Text | None = None,
    example: str = "",
    is_secret: bool = False,
) -> Variable[str]:
    """Text, empty when it is not set; ``parse`` checks one that is."""
    return Variable(
        help_text,
        parse=lambda value: parse(value) if value else "",
        default=default,
        unset=unset,
        example=example,
        is_secret=is_secret,
    )


def texts(
    help_text: Text,
    *,
    parse: Callable[[str], str] = str,
    default: str = "",
    unset: Text | None = None,
    example: str = "",
) -> Variable[list[str]]:
    """Texts separated by commas. Set to nothing, the list is empty; ``parse`` checks each."""
    return Variable(
        help_text,
        parse=lambda value: [parse(item) for item in items(value)],
        default=default,
        unset=unset,
        example=example,
        takes_empty=True,
    )


def items(value: str) -> list[str]:
    """What stands between the commas of ``value``."""
    return [item.strip() for item in value.split(",") if item.strip()]


def switch(help_text: Text, *, default: str) -> Variable[bool]:
    """On or off."""
    return Variable(help_text, parse=is_on, default=default, allowed=_either("on", "off"))


def is_on(value: str) -> bool:
    """Whether ``value`` says on. Raises WrongValueError where it says neither on nor off."""
    if value.lower() in ON:
        return True
    if value.lower() in OFF:
        return False
    raise WrongValueError(Text("应为 on 或 off", "has to be on or off"))


def choice(help_text: Text, *choices: str, default: str) -> Variable[str]:
    """One of ``choices``, in whatever case it is written."""
    known = {one.lower(): one for one in choices}

    def parse(value: str) -> str:
        try:
            return known[value.lower()]
        except KeyError:
            raise WrongValueError(
                Text(f"应为 {'、'.join(choices)} 之一", f"has to be one of {', '.join(choices)}")
            ) from None

    return Variable(help_text, parse=parse, default=default, allowed=_either(*choices))


def _either(*choices: str) -> Text:
    quoted = [f"`{one}`" for one in choices]
    return Text("、".join(quoted), ", ".join(quoted))


def integer(help_text: Text, *, default: str, least: int, most: int) -> Variable[int]:
    """A whole number."""
    error = Text(f"应为 {least} 到 {most} 之间的整数", f"has to be a whole number from {least} to {most}")
    return _number(help_text, int, default=default, least=least, most=most, error=error)


def decimal(help_text: Text, *, default: str, least: float, most: float) -> Variable[float]:
    """A number with or without a fraction."""
    error = Text(f"应为 {least} 到 {most} 之间的数字", f"has to be a number from {least} to {most}")
    return _number(help_text, float, default=default, least=least, most=most, error=error)


def _number(
    help_text: Text, kind: type[Number], *, default: str, least: Number, most: Number, error: Text
) -> Variable[Number]:
    def parse(value: str) -> Number:
        try:
            number = kind(value)
        except ValueError:
            raise WrongValueError(error) from None
        if not least <= number <= most:  # holds for "nan", too
            raise WrongValueError(error)
        return number

    return Variable(
        help_text, parse=parse, default=default, allowed=Text(f"{least}–{most}", f"{least}–{most}")
    )
