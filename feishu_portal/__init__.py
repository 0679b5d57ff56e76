"""Feishu Portal: the project that puts the rooms together."""

import gc

# Modules are no garbage, and looking for it while they load is a sixth of the way there. PortalConfig begins to look.
gc.disable()

from feishu_portal.celery import app as celery_app  # noqa: E402 -- it loads the first hundreds

__version__ = "0.1.0"
__all__ = ["celery_app"]
