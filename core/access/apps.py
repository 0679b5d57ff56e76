"""What every app stands on, as a Django app: operators, API clients, the audit log, the key canary, and the installation."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AccessConfig(AppConfig):
    name = "core.access"
    label = "access"
    verbose_name = _("Access")

    def ready(self) -> None:
        from core.access import append_only, sessions, sign_in  # noqa: F401, PLC0415 -- they listen to Django's signals
        from core.console import list_headers  # noqa: PLC0415 -- models are there only now
        from core.installation import figures, state, watch  # noqa: F401, PLC0415 -- likewise; a passive process sends nothing
        from core.vault.canary import create_canary  # noqa: PLC0415 -- likewise

        list_headers.install()
        post_migrate.connect(create_canary, sender=self)
        post_migrate.connect(append_only.install, sender=self)
        post_migrate.connect(state.create, sender=self)
