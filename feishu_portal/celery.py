"""The Celery application. Its messages are notifications: every one can be lost or doubled without harm."""

import os

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "feishu_portal.settings")
# Celery would run Django's checks, for which every page is loaded, and discard their messages.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")


@signals.setup_logging.connect
def keep_our_logging(**_options: object) -> None:
    """Celery sets up logging of its own unless this signal has a receiver; the portal's redacts."""


@signals.worker_init.connect
@signals.beat_init.connect
def refuse_wrong_keys(**_options: object) -> None:
    """A worker that cannot open the secrets of this database would fail task by task."""
    from core.vault.canary import verify_keys  # noqa: PLC0415 -- models are there only now
    from core.vault.keyring import SealedValueError  # noqa: PLC0415 -- see above

    try:
        verify_keys()
    except SealedValueError as error:
        raise SystemExit(str(error)) from error


app = Celery("feishu_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
