"""Bare Celery tasks: ``celery -A bench.celery_tasks worker``, with REDIS_URL and, for the one that stores, DATABASE_URL.

Django is set up with a database and nothing else. Its connections are kept from task to task, and on SQLite they have the
options that a careful project gives them: what is compared with shall be as fast as it can be.
"""

import os

import django
import environ
from celery import Celery
from django.conf import settings

app = Celery("bench", broker=os.environ["REDIS_URL"])
app.conf.task_ignore_result = True
app.conf.broker_connection_retry_on_startup = True
app.conf.worker_hijack_root_logger = False


def _database() -> dict[str, object]:
    config = environ.Env.db_url_config(os.environ["DATABASE_URL"])
    if config["ENGINE"].endswith("sqlite3"):
        wal = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"
        config["OPTIONS"] = {"timeout": 60, "transaction_mode": "IMMEDIATE", "init_command": wal}
    return config | {"CONN_MAX_AGE": None}


settings.configure(DATABASES={"default": _database()}, INSTALLED_APPS=[], USE_TZ=True)
django.setup()

from django.db import models  # noqa: E402 -- models need settings


class Received(models.Model):
    event_id = models.CharField(max_length=64, primary_key=True)
    event_type = models.CharField(max_length=128)
    payload = models.TextField()

    class Meta:
        app_label = "bench"
        db_table = "bench_received"

    def __str__(self) -> str:
        return self.event_id


@app.task(name="nothing")
def nothing(event_id: str, event_type: str, payload: str) -> None:
    pass


@app.task(name="get_or_create")
def get_or_create(event_id: str, event_type: str, payload: str) -> None:
    Received.objects.get_or_create(event_id=event_id, defaults={"event_type": event_type, "payload": payload})
