"""What a newcomer finds: a bot of the sandbox and an operator account."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from bots.enums import PlatformName
from bots.models import Bot
from bots.service import BotChanges, put_bot
from core.access.actors import Actor
from core.access.models import User

OPERATOR = "admin"
DEMO_ACTOR = Actor.command("runportal")


@dataclass(frozen=True, slots=True)
class DemoApp:
    """The sandbox's app as the portal has to know it."""

    app_id: str
    app_secret: str
    name: str
    address: str
    scopes: list[str]


def put_demo_bot(app: DemoApp) -> Bot:
    """Add the sandbox's app as a bot, or bring it up to date."""
    changes = BotChanges(
        {
            "name": app.name,
            "platform": PlatformName.CUSTOM,
            "open_url": app.address,
            "accounts_url": app.address,
            "app_secret": app.app_secret,
            "auth_scopes": app.scopes,
        }
    )
    bot, _ = put_bot(app_id=app.app_id, changes=changes, actor=DEMO_ACTOR)
    return bot


def operator_password(file: Path) -> str:
    """The demo operator's password, made once and kept in ``file``; empty when the operator has changed it."""
    user, new = User.objects.get_or_create(
        username=OPERATOR, defaults={"is_staff": True, "is_superuser": True}
    )
    if new:
        password = secrets.token_urlsafe(9)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as target:
            target.write(password)
        user.set_password(password)
        user.save()
    password = file.read_text().strip() if file.exists() else ""
    return password if password and user.check_password(password) else ""
