"""Feishu Portal: the project that puts the rooms together."""

from feishu_portal.runtime import garbage

garbage.pause()  # until PortalConfig is ready

from core import __version__  # noqa: E402 -- after the pause has begun
from feishu_portal.celery import app as celery_app  # noqa: E402 -- it loads the first hundreds of modules

__all__ = ["__version__", "celery_app"]
