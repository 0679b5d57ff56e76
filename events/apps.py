"""Events: what arrives, kept before it is acknowledged, and handled once."""

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from feishu import callbacks


class EventsConfig(AppConfig):
    name = "events"
    verbose_name = _("Events")

    def ready(self) -> None:
        from events import checks, figures, metrics, receivers  # noqa: F401, PLC0415 -- models are loaded now
        from events.handling.discovery import discover  # noqa: PLC0415 -- other apps' handlers need loaded models
        from events.ingress import incidents as ingress_incidents  # noqa: F401, PLC0415 -- likewise
        from events.ingress.webhook import refusals  # noqa: F401, PLC0415 -- names them for the bot's page
        from events.log import arrivals, bot_removal  # noqa: F401, PLC0415 -- likewise
        from events.subscriptions import incidents  # noqa: F401, PLC0415 -- likewise

        callbacks.expect(settings.CALLBACK_TYPES)
        try:
            discover()
        except ImproperlyConfigured as error:
            # Every process comes by here. It ends with these sentences, as it does with settings that are wrong.
            raise SystemExit(str(error)) from error
