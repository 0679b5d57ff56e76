"""Recognizing a command in what people type and paste. Pure.

Chinese keyboards and IMEs leave `／`, `、` or `/、` where `/` was meant, phones add zero-width characters, people add blanks,
capitals, full-width letters and a closing punctuation mark.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

MAX_READ: Final = 400
"""Characters of a message in which a command is looked for."""
_SLASHES: Final = "/\N{IDEOGRAPHIC COMMA}\N{DIVISION SLASH}\N{FRACTION SLASH}\N{BIG SOLIDUS}\\"
# In front of a command: names typed by hand, marks of a list, quotes and marks of formatting.
_NAMES: Final = re.compile(r"(?:@[^\s@]{1,64}\s+){0,5}")
_BULLET: Final = re.compile(
    r"(?:[-+*•·‣▪◦●○>]|[0-9]{1,3}[.)\N{IDEOGRAPHIC COMMA}])(?=\s|[/\N{IDEOGRAPHIC COMMA}])\s{0,9}"
)
_MARKS: Final = "*_~`\"'“”‘’「」『』【】《》<>()[] \t\r\n"
_COMMAND: Final = re.compile(
    rf"([{re.escape(_SLASHES)}][{re.escape(_SLASHES)}\s]{{0,9}})((?:\w[\w-]{{0,63}})?)(.{{0,2}})", re.DOTALL
)
_INVISIBLE: Final = frozenset({"Cf", "Cc", "Mn"})


@dataclass(frozen=True, slots=True)
class CommandWord:
    """`name`: without slash, in lower case; empty where there is nothing but the slash."""

    name: str
    has_slash: bool
    """Whether a slash stands before the name; otherwise only a mark that a keyboard may have left in its place."""


def command_in(text: str) -> CommandWord | None:
    """The command that `text` begins with; None where it does not begin like one."""
    found = _COMMAND.match(_plain(text))
    if found is None:
        return None
    slash, name, following = found.groups()
    if name and following[:1] in {"/", "\\"} and following[1:].strip():
        return None  # a path
    has_slash = "/" in slash
    return CommandWord(name.casefold(), has_slash) if name or has_slash else None


def menu_command(event_key: str) -> str:
    """The name of the command that an entry of the bot's menu stands for, whose key is `/auth` or `auth`; empty for none."""
    word = command_in(f"/{event_key}")
    return word.name if word else ""


def _plain(text: str) -> str:
    """The beginning of the text as it was meant, up to the command's slash."""
    cut = unicodedata.normalize("NFKC", text[:MAX_READ])[:MAX_READ]
    # Line breaks and tabs are control characters too, and separate words.
    visible = "".join(
        character
        for character in cut
        if character.isspace() or unicodedata.category(character) not in _INVISIBLE
    )
    plain = visible.strip(_MARKS)
    plain = plain[_NAMES.match(plain).end() :].lstrip(_MARKS)  # type: ignore[union-attr]  # matches nothing at least
    if bullet := _BULLET.match(plain):
        plain = plain[bullet.end() :]
    return plain.lstrip(_MARKS)
