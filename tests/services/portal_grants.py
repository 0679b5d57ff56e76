"""Grants of a portal under test, from inside its own environment: ``python -m tests.services.portal_grants``.

``put FILE SECONDS`` stores the sandbox's grants of a JSON file as due, with access for so many seconds; ``show`` prints
what became of all grants, refresh tokens by the fingerprint under which the sandbox's books have them.
"""

import json
import os
import sys
from datetime import timedelta
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "feishu_portal.settings")
django.setup()

from django.utils import timezone  # noqa: E402 -- after Django's setup

from auth_sessions.models import UserToken  # noqa: E402 -- after Django is set up
from bots.models import Bot  # noqa: E402 -- after Django is set up
from sandbox.world.ids import fingerprint  # noqa: E402 -- after Django is set up


def put(file: Path, access_seconds: float) -> None:
    bot, now = Bot.objects.get(), timezone.now()
    given = json.loads(file.read_text())
    UserToken.objects.bulk_create(
        [
            UserToken(
                bot=bot,
                tenant_key="tenant",
                access_expires_at=now + timedelta(seconds=access_seconds * (1 + number / len(given))),
                refresh_expires_at=now + timedelta(days=7),
                user_id=str(number),
                half_life_at=now,
                next_refresh_at=now,
                used_at=now,
                authorized_at=now,
                reauthorize_by=now + timedelta(days=365),
                **grant,
            )
            for number, grant in enumerate(given)
        ],
        batch_size=500,
    )


def show() -> None:
    grants = UserToken.objects.order_by("pk")
    lines = [
        {
            "open_id": grant.open_id,
            "number": int(grant.user_id),
            "status": grant.status,
            "phase": grant.phase,
            "generation": grant.generation,
            "code": grant.last_code,
            "token": fingerprint(grant.refresh_token) if grant.refresh_token else "",
            "refreshed_at": grant.refreshed_at and grant.refreshed_at.timestamp(),
        }
        for grant in grants
    ]
    sys.stdout.write(json.dumps(lines))


if __name__ == "__main__":
    if sys.argv[1] == "put":
        put(Path(sys.argv[2]), float(sys.argv[3]))
    else:
        show()
