"""Asking the person at the terminal before something that cannot be taken back."""

from django.core.management.base import CommandError, OutputWrapper

from feishu_portal.management.speaking import said


def confirm(stream: OutputWrapper, warning: str, *, word: str) -> None:
    """Return when the person types ``word``; raises CommandError for anything else, and where nobody is there."""
    stream.write(said(f"{warning}\n输入 {word} 以继续：", f"{warning}\nType {word} to go on: "), ending="")
    stream.flush()
    try:
        answer = input()
    except EOFError:
        answer = ""
    if answer.strip() != word:
        raise CommandError(
            said("未作任何更改。在脚本中请加 --yes。", "Nothing was changed. In a script, add --yes.")
        )
