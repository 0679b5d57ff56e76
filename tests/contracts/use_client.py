"""Asks a portal for its bots, with the generated client: ``python use_client.py FOLDER_OF_THE_CLIENT URL KEY``."""

import importlib
import pkgutil
import sys

folder, url, key = sys.argv[1:]
sys.path.insert(0, folder)
import portal_client  # noqa: E402 -- generated
from portal_client.api.bots import list_bots  # noqa: E402 -- generated
from portal_client.models import BotPage, Problem  # noqa: E402 -- generated

for module in pkgutil.walk_packages(portal_client.__path__, "portal_client."):
    importlib.import_module(module.name)
page = list_bots.sync(client=portal_client.AuthenticatedClient(base_url=url, token=key))
assert isinstance(page, BotPage), page
refused = list_bots.sync(client=portal_client.AuthenticatedClient(base_url=url, token="fp_bogus"))
assert isinstance(refused, Problem), refused
sys.stdout.write(f"{page.items[0].app_id} {refused.code}")
