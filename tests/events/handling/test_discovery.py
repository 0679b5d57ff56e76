"""Modules of handlers that cannot be imported end the start of a process with a sentence."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from events.handling.discovery import discover
from events.handling.registry import known_handlers

pytestmark = pytest.mark.usefixtures("own_handlers")


@pytest.fixture
def write_module(tmp_path, monkeypatch, settings):
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, source: str) -> None:
        (tmp_path / f"{name}.py").write_text(source)
        settings.FEISHU_HANDLERS = [name]

    return write


def refusal() -> str:
    with pytest.raises(ImproperlyConfigured) as raised:
        discover()
    return str(raised.value)


def test_modules_that_the_settings_name_are_imported(write_module):
    source = "from events import on\n\n@on('a')\ndef handle(event, bot): ...\n"
    write_module("handlers_that_work", source)
    discover()
    [handler] = known_handlers()
    assert (handler.name, handler.place) == ("handlers_that_work.handle", "handlers_that_work:3")


@pytest.mark.parametrize(
    ("name", "source", "cause"),
    [
        ("handlers_missing_a_library", "\nimport no_such_library", "No module named 'no_such_library'"),
        ("handlers_misspelled", "def handle(", "was never closed"),
        ("handlers_dividing", "1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_module_that_cannot_be_imported_is_named_with_the_cause(write_module, name, source, cause):
    write_module(name, source)
    text = refusal()
    assert text.startswith(f"The handlers in {name}, named by FEISHU_HANDLERS, cannot be imported. ")
    assert cause in text
    assert f"{name}.py, line {source.count(chr(10)) + 1}" in text


def test_module_that_does_not_exist_is_named(settings):
    settings.FEISHU_HANDLERS = ["no_such_module"]
    assert "The handlers in no_such_module, named by FEISHU_HANDLERS" in refusal()
    assert "ModuleNotFoundError" in refusal()


def test_handlers_that_are_registered_wrongly_are_refused(write_module):
    write_module("handlers_alike", "from events import on\nfor pattern in 'ab':\n    on(pattern)(print)\n")
    assert "handlers_alike:3 has the name builtins.print" in refusal()
