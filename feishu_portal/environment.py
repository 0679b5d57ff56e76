"""Reads the settings table from the environment, and ends a process whose environment is wrong.

Every variable can also stand in ``.env`` (or the file that ENV_FILE names), and be given as ``NAME_FILE``, the path of a
file that holds the value: so secrets can come from Docker, Kubernetes or systemd without standing in the environment.
"""

import io
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import environ
from django.conf import global_settings
from environ.fileaware_mapping import FileAwareMapping

from feishu.text import Text
from feishu_portal import data_folder
from feishu_portal.files import BASE_DIR
from feishu_portal.settings_table import SettingsTable
from feishu_portal.variables import KeyVariable, T, Variable, WrongValueError

_ENV_LINE = re.compile(r"(?:export )?[A-Za-z_0-9]+=.*")  # as django-environ reads it
_USER_INFO = re.compile(r"//[^/@]*@")
DEVELOPMENT = Text(
    "若要使用 make run 在本机生成的密钥，请先执行 export DEBUG=on。",
    "To use the keys that make run has made on this machine, run export DEBUG=on first.",
)
_SHOWN = 60  # characters of a wrong value


class WrongSettingsError(SystemExit):
    """Ends the process with one line for each wrong variable on standard error, and exit code 1.

    Settings are read while Django, Celery or uvicorn start. Each of them prints exceptions in a way of its own, with a
    traceback; all of them let SystemExit pass.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        super().__init__("\n".join(problems))


def read_environment() -> SettingsTable:
    """The values of the whole table. Makes DATA_DIR and, in development, the keys that are missing.

    Raises WrongSettingsError, which names every variable that is wrong; then no file is made.
    """
    problems: list[str] = []
    values: dict[str, Any] = {}
    given = FileAwareMapping(cache=False)
    try:
        _load_env_file(given)
    except WrongValueError as error:
        problems.append(_sentence(SettingsTable.ENV_FILE, error))
    missing_keys = []
    for variable in SettingsTable.variables():
        try:
            text = _text(variable, given)
            if text is None and isinstance(variable, KeyVariable):
                missing_keys.append(variable)
            else:
                values[variable.name] = _value(variable, text)
        except WrongValueError as error:
            problems.append(_sentence(variable, error))
    if not values.get("DEBUG"):
        problems += [_sentence(key, _missing(key)) for key in missing_keys]
        if missing_keys and _is_of_development(values.get("DATA_DIR"), missing_keys):
            problems.append(f"{DEVELOPMENT.en_us} {DEVELOPMENT.zh_cn}")
    if problems:
        raise WrongSettingsError(problems)
    values["DATA_DIR"] = _made_folder(values["DATA_DIR"])
    for key in missing_keys:
        values[key.name] = made_once(key, values["DATA_DIR"])
    return SettingsTable(values)


def _is_of_development(folder: Path | None, keys: Iterable[KeyVariable[Any]]) -> bool:
    """Whether `make run` has kept its keys there."""
    return folder is not None and any((folder / key.file).exists() for key in keys)


def _load_env_file(given: FileAwareMapping) -> None:
    """Put the lines of the file into the environment, except for variables that are set there."""
    named = _text(SettingsTable.ENV_FILE, given)
    try:
        content = (BASE_DIR / (named or SettingsTable.ENV_FILE.default)).read_text(encoding="utf-8-sig")
    except OSError as error:
        if named is None:
            return  # it is optional; under systemd, root may have read it for us
        reason = error.strerror or ""
        raise WrongValueError(
            Text(f"指定的文件无法读取（{reason}）", f"names a file that cannot be read: {reason}")
        ) from None
    except ValueError:
        raise WrongValueError(
            Text("指定的文件不是 UTF-8 文本", "names a file that is not UTF-8 text")
        ) from None
    lines = [line.strip() for line in content.splitlines()]
    for number, line in enumerate(lines, start=1):
        if line and not line.startswith("#") and not _ENV_LINE.fullmatch(line):
            # django-environ would log the line, and with it perhaps a secret.
            raise WrongValueError(
                Text(
                    f"指定的文件第 {number} 行不是 NAME=value 的形式",
                    f"names a file whose line {number} is not NAME=value",
                )
            )
    environ.Env.read_env(io.StringIO("\n".join(lines)))


def _text(variable: Variable[Any], given: FileAwareMapping) -> str | None:
    """The value as it is written; None where it is not set. Empty counts as not set, but for lists."""
    try:
        text: str | None = given.get(variable.name)
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "not UTF-8 text"
        raise WrongValueError(
            Text(
                f"无法从 {variable.name}_FILE 指定的文件读取（{reason}）",
                f"cannot be read from the file that {variable.name}_FILE names: {reason}",
            )
        ) from None
    text = None if text is None else text.strip()
    return text if text or variable.takes_empty else None


def _value(variable: Variable[T], text: str | None) -> T:
    if text is None:
        return variable.parse(variable.default)
    try:
        return variable.parse(text)
    except WrongValueError as error:
        if variable.is_secret:
            raise
        shown = _USER_INFO.sub("//…@", text)
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
        raise WrongValueError(
            Text(f"{error.text.zh_cn}；当前值为 {shown!r}", f"{error.text.en_us}; it is {shown!r}")
        ) from None


def _missing(key: KeyVariable[Any]) -> WrongValueError:
    return WrongValueError(
        Text(
            f"没有设置：请用上述命令生成，再设置为 {key.name}，或写入文件并由 {key.name}_FILE 指定",
            f"is not set. Make one with {key.command} and set it as {key.name} or, in a file, as {key.name}_FILE",
        )
    )


def _sentence(variable: Variable[Any], error: WrongValueError) -> str:
    return f"{variable.name} {error.text.en_us}. {variable.name} {error.text.zh_cn}。"


def _made_folder(folder: Path) -> Path:
    try:
        data_folder.make(folder)
    except OSError as error:
        problem = WrongValueError(
            Text(
                f"指定的目录 {folder} 无法创建（{error.strerror}）",
                f"names a folder that cannot be made, {folder}: {error.strerror}",
            )
        )
        raise WrongSettingsError([_sentence(SettingsTable.DATA_DIR, problem)]) from None
    return folder


def made_once(key: KeyVariable[T], folder: Path) -> T:
    """A key for development: from its file in ``folder``, where it is made once, readable by its owner alone.

    Raises WrongSettingsError when the file cannot be written or read, or holds something else.
    """
    file = folder / key.file
    try:
        if not file.exists():
            with suppress(FileExistsError):  # another process was faster
                _write_private(file, key.make())
        return key.parse(file.read_text().strip())
    except (OSError, ValueError):
        problem = WrongValueError(
            Text(
                f"无法取自 {file}：文件不可读写或内容有误", f"cannot be had from {file}: unreadable or no key"
            )
        )
        raise WrongSettingsError([_sentence(key, problem)]) from None


def _write_private(path: Path, value: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(value + "\n")


def add_handler_switches(settings: dict[str, Any], switches: dict[str, bool]) -> None:
    """Make a Django setting of each switch in FEISHU_HANDLER_SWITCHES.

    Raises WrongSettingsError where there is one of this name, in ``settings`` or among Django's defaults.
    """
    if taken := [name for name in switches if name in settings or hasattr(global_settings, name)]:
        names = ", ".join(taken)
        problem = WrongValueError(
            Text(f"不能使用 {names}：已有同名的设置", f"cannot name {names}: there are settings of this name")
        )
        raise WrongSettingsError([_sentence(SettingsTable.FEISHU_HANDLER_SWITCHES, problem)])
    settings.update(switches)
