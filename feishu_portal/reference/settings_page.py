"""Writes the settings table into docs/reference/settings.md, its Chinese page and .env.example: ``python -m feishu_portal.reference.settings_page``.

Reads no settings, so it needs neither an environment nor a database.
"""

from pathlib import Path
from typing import Any

from feishu.text import Text
from feishu_portal.reference.marked_pages import LANGUAGES, ROOT, pages, table, write
from feishu_portal.settings_table import SettingsTable
from feishu_portal.variables import Variable

PAGE = "reference/settings"

_HEAD = [
    Text("变量", "variable"),
    Text("默认值", "default"),
    Text("取值", "values"),
    Text("说明", "meaning"),
]
_EXAMPLE_HEAD = """\
# Copy to .env and take the mark from what you set. Every variable can also be given as NAME_FILE, the path of a file
# that holds the value. 复制为 .env，去掉需要设置的行首的 #。
"""


def documents() -> dict[Path, str]:
    """The files as they should be, by their paths."""
    return pages(PAGE, "environment", _table) | {ROOT / ".env.example": _env_example()}


def _table(language: str) -> str:
    return table(
        [name.in_language(language) for name in _HEAD],
        [_row(variable, language) for variable in SettingsTable.variables()],
    )


def _row(variable: Variable[Any], language: str) -> list[str]:
    default = f"`{variable.default}`" if variable.default else ""
    if variable.unset:
        default = variable.unset.in_language(language)
    return [f"`{variable.name}`", default, _values(variable, language), variable.help.in_language(language)]


def _values(variable: Variable[Any], language: str) -> str:
    if variable.allowed:
        return variable.allowed.in_language(language)
    return Text("例如", "e.g.").in_language(language) + f" `{variable.example}`" if variable.example else ""


def _env_example() -> str:
    # A file cannot name itself.
    variables = [variable for variable in SettingsTable.variables() if variable is not SettingsTable.ENV_FILE]
    return "\n".join([_EXAMPLE_HEAD, *("\n".join(_lines(variable)) for variable in variables)])


def _lines(variable: Variable[Any]) -> list[str]:
    bounds = dict.fromkeys(LANGUAGES.values(), "")
    if variable.allowed:
        bounds = {
            "en": f" ({variable.allowed.en_us})".replace("`", ""),
            "zh-hans": f"（{variable.allowed.zh_cn}）".replace("`", ""),
        }
    help_lines = [f"# {variable.help.in_language(language)}{bounds[language]}" for language in bounds]
    return [*help_lines, f"#{variable.name}={variable.default or variable.example}", ""]


def main() -> None:
    write(documents())


if __name__ == "__main__":
    main()
