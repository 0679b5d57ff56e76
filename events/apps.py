"""Events: what arrives, kept before it is acknowledged, and handled once."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EventsConfig(AppConfig):
    name = "events"
    verbose_name = _("Events")

    def ready(self) -> None:
        from events import checks, receivers  # noqa: F401, PLC0415 -- models are loaded now
        from events.handling.registry import discover  # noqa: PLC0415 -- other apps' handlers need loaded models
        from events.log import bot_removal  # noqa: F401, PLC0415
        from events.subscriptions import incidents  # noqa: F401, PLC0415

        discover()
