"""The project as an application: its commands, system checks and console."""

import logging
from pathlib import Path
from types import ModuleType
from typing import Any

from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig
from django.core.checks import CheckMessage, Tags, register
from django.utils.translation import gettext_lazy as _

from feishu.proxies import unusable_variables
from feishu_portal.runtime.garbage import begin_after_loading, rest_while_loading

logger = logging.getLogger(__name__)


class PortalConfig(AppConfig):
    name = "feishu_portal"
    label = "portal"
    verbose_name = _("Feishu Portal")

    def __init__(self, app_name: str, app_module: ModuleType) -> None:
        """The first of the applications that Django sets up: it loads the models of all before it calls ``ready``."""
        rest_while_loading()
        super().__init__(app_name, app_module)

    def ready(self) -> None:
        begin_after_loading()
        from django.conf import settings  # noqa: PLC0415 -- they are being read when this module is

        from feishu_portal import checks  # noqa: F401, PLC0415 -- registers the checks

        if settings.CA_FILE:
            from feishu import tls  # noqa: PLC0415 -- imports the HTTP library, which not every command needs

            tls.trust_also(Path(settings.CA_FILE))
        for variable in unusable_variables():
            logger.warning(
                "proxy_variable_ignored",
                extra={
                    "variable": variable.name,
                    "cause": variable.cause,
                    "cure": "Set it to http://host:port",
                },
            )


class ConsoleConfig(SimpleAdminConfig):
    """Django's admin with Unfold's pages. They are loaded by ``urls`` and by the checks: most processes show none."""

    default_site = "core.console.site.ConsoleSite"

    def ready(self) -> None:
        register(check_console, Tags.admin)


def check_console(**options: Any) -> list[CheckMessage]:
    from django.contrib.admin import autodiscover  # noqa: PLC0415 -- models are there only now
    from django.contrib.admin.checks import check_admin_app, check_dependencies  # noqa: PLC0415 -- see above

    autodiscover()
    return [*check_dependencies(**options), *check_admin_app(**options)]
