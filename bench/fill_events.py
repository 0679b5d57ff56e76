"""Stores events as if they had arrived: ``python -m bench.fill_events TYPE COUNT BOTS``, spread over so many bots."""

import argparse
import json
import os
import uuid

from bench.ingest_subjects import EVENT

AT_ONCE = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("type")
    parser.add_argument("count", type=int)
    parser.add_argument("bots", type=int)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "feishu_portal.settings")

    import django  # noqa: PLC0415 -- after the settings are named

    django.setup()
    from events.enums import Arrived  # noqa: PLC0415
    from events.ingress.inbox import store  # noqa: PLC0415
    from events.ingress.incoming import read_event  # noqa: PLC0415 -- after Django is set up

    bots = _bots(options.bots)
    arrivals = [
        read_event(bot_id=bots[number % len(bots)], payload=message(options.type), arrived_by=Arrived.WEBSOCKET)
        for number in range(options.count)
    ]
    for start in range(0, len(arrivals), AT_ONCE):
        store(arrivals[start : start + AT_ONCE])


def message(event_type: str) -> bytes:
    """The envelope of a message in a chat of its own, under another type."""
    number = uuid.uuid4().hex
    event = json.loads(json.dumps(EVENT).replace("$id", number))
    header = {"event_id": number, "event_type": event_type}
    return json.dumps({"schema": "2.0", "header": header, "event": event}).encode()


def _bots(count: int) -> list[uuid.UUID]:
    """As many as there are, and the rest made now."""
    from bots.service import BotChanges, put_bot  # noqa: PLC0415 -- after Django is set up
    from core.access.actors import SYSTEM  # noqa: PLC0415

    made = []
    for number in range(count):
        changes = BotChanges({"name": f"Bot {number}", "app_secret": "nobody asks for it"})
        bot, _ = put_bot(app_id=f"cli_{number:016x}", changes=changes, actor=SYSTEM)
        made.append(bot.pk)
    return made


if __name__ == "__main__":
    main()
