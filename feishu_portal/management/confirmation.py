"""Asking the person at the terminal before something that cannot be taken back."""

from django.core.management.base import CommandError, OutputWrapper


def confirm(stream: OutputWrapper, warning: str, *, word: str) -> None:
    """Return when the person types ``word``; raises CommandError for anything else, and where nobody is there."""
    stream.write(f"{warning}\nType {word} to go on: ", ending="")
    stream.flush()
    try:
        answer = input()
    except EOFError:
        answer = ""
    if answer.strip() != word:
        raise CommandError("Nothing was changed. In a script, add --yes. 未作任何更改。")
