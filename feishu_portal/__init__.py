"""Feishu Portal: the project that puts the apps together."""

from core import __version__
from feishu_portal.celery import app as celery_app

__all__ = ["__version__", "celery_app"]
