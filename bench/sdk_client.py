"""The official SDK's client, as its guide shows it: ``python -m bench.sdk_client URL APP_ID APP_SECRET [--store]``.

With nothing to do for an event, or with what a Django project does first: ``get_or_create`` by the event's id, on
DATABASE_URL, with Django's own settings for it. The SDK calls handlers in its event loop, so Django has to be told to
let that happen.
"""

import argparse
import os
from collections.abc import Callable
from typing import Any

Handler = Callable[[Any], None]


def ignore(_event: Any) -> None:
    """Nothing."""


def storing() -> Handler:
    """A handler with a table of its own, made now."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    import django  # noqa: PLC0415 -- only who stores needs it
    import environ  # noqa: PLC0415 -- likewise
    from django.conf import settings  # noqa: PLC0415 -- likewise

    settings.configure(
        DATABASES={"default": environ.Env().db_url("DATABASE_URL")}, INSTALLED_APPS=[], USE_TZ=True
    )
    django.setup()
    from django.db import connection, models  # noqa: PLC0415 -- models need settings

    class ReceivedEvent(models.Model):
        event_id = models.CharField(max_length=64, unique=True)
        event_type = models.CharField(max_length=128)
        payload = models.TextField()
        received_at = models.DateTimeField(auto_now_add=True)

        class Meta:
            app_label = "plain"

        def __str__(self) -> str:
            return self.event_id

    with connection.schema_editor() as editor:
        editor.create_model(ReceivedEvent)

    from lark_oapi import JSON

    def store(event: Any) -> None:
        ReceivedEvent.objects.get_or_create(
            event_id=event.header.event_id,
            defaults={"event_type": event.header.event_type, "payload": JSON.marshal(event)},
        )

    return store


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("url", "app_id", "app_secret"):
        parser.add_argument(name)
    parser.add_argument("--store", action="store_true")
    options = parser.parse_args()
    handler = storing() if options.store else ignore

    import lark_oapi
    import lark_oapi.ws

    dispatcher = (
        lark_oapi.EventDispatcherHandler.builder("", "").register_p2_im_message_receive_v1(handler).build()
    )
    lark_oapi.ws.Client(
        options.app_id, options.app_secret, event_handler=dispatcher, domain=options.url
    ).start()


if __name__ == "__main__":
    main()
