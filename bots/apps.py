"""Bots: for whom the portal speaks, and the connections on which their events arrive."""

from functools import partial
from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from bots.sending.pacing import in_turn
from bots.sending.shared_pacing import queues_of_process
from feishu.turns import pace_by


class BotsConfig(AppConfig):
    name = "bots"
    verbose_name = _("Bots")

    def ready(self) -> None:
        # Each registers its detector, in the order in which pages list their causes, the last one how a notice is tried; models
        # are loaded now.
        for name in ("fleet", "connections", "clocks", "notice_test"):
            import_module(f"bots.incidents.{name}")
        pace_by(partial(in_turn, queues=queues_of_process()))
        from bots import figures  # noqa: F401, PLC0415 -- every process can give them
        from bots.app_ids import directory  # noqa: PLC0415 -- models are there only now
        from bots.models import Bot  # noqa: PLC0415 -- see above
        from core.access import bot_directory  # noqa: PLC0415 -- see above
        from core.installation.state import count_as_content  # noqa: PLC0415 -- see above

        bot_directory.register(directory)
        count_as_content(Bot.objects.exists)
