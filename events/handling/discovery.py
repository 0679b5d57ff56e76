"""Finding the handlers of a process when it starts."""

import traceback
from importlib import import_module

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import module_has_submodule

from events.handling.registry import check_handlers


def discover() -> None:
    """Import ``handlers.py`` of every installed app and the modules of FEISHU_HANDLERS.

    Raises ImproperlyConfigured, with sentences for the operator, when one cannot be imported or a handler was registered
    wrongly: without it, its events would be stored as ignored.
    """
    for config in apps.get_app_configs():
        if config.module and module_has_submodule(config.module, "handlers"):
            _import(f"{config.name}.handlers", wanted_by=f"the installed app {config.name}")
    for module in settings.FEISHU_HANDLERS:
        _import(module, wanted_by="FEISHU_HANDLERS")
    check_handlers()


def _import(module: str, *, wanted_by: str) -> None:
    try:
        import_module(module)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = "" if last.filename.startswith("<frozen") else f" ({last.filename}, line {last.lineno})"
        raise ImproperlyConfigured(
            f"The handlers in {module}, named by {wanted_by}, cannot be imported. "
            f"{type(error).__name__}: {error}{where}"
        ) from error
