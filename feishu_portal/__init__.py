"""Feishu Portal: the project that puts the rooms together."""

import gc

# Modules are no garbage, and looking for it while they load is a sixth of the way there. PortalConfig begins to look.
gc.disable()

from core import __version__  # noqa: E402 -- see above
from feishu_portal.celery import app as celery_app  # noqa: E402 -- it loads the first hundreds

__all__ = ["__version__", "celery_app"]
