"""``runfeishu`` that says every second how full it is: ``python -m bench.metered_intake [runfeishu's arguments]``.

A line is ``meter TASKS WAITING``: asyncio tasks that are open, and events that wait to be written.
"""

import asyncio
import os
import sys
from typing import Self

from django.core.management import execute_from_command_line

EVERY = 1.0
"""Seconds between lines."""


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "feishu_portal.settings")

    import django  # noqa: PLC0415 -- after the settings are named

    django.setup()
    from events.ingress.writer import Intake  # noqa: PLC0415 -- after Django is set up
    from feishu_portal.runtime import connections  # noqa: PLC0415 -- after Django is set up

    class MeteredIntake(Intake):
        async def __aenter__(self) -> Self:
            self._meter = asyncio.create_task(self._say())
            return await super().__aenter__()

        async def __aexit__(self, *exc: object) -> None:
            self._meter.cancel()
            await super().__aexit__(*exc)

        async def _say(self) -> None:
            while True:
                print(f"meter {len(asyncio.all_tasks())} {self.queued}", flush=True)
                await asyncio.sleep(EVERY)

    connections.Intake = MeteredIntake
    execute_from_command_line(["manage.py", "runfeishu", *sys.argv[1:]])


if __name__ == "__main__":
    main()
