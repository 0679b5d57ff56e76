"""The Celery application. Its messages are hints; every task can be lost or doubled without harm."""

import os

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "feishu_portal.settings")


@signals.setup_logging.connect
def keep_our_logging(**_options: object) -> None:
    """Celery sets up logging of its own unless somebody listens here; ours redacts."""


app = Celery("feishu_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
