"""The Celery application. Its messages are hints; every task can be lost or doubled without harm."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "feishu_portal.settings")

app = Celery("feishu_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
