"""The demo of ``runportal --sandbox``: a bot of the sandbox and an operator account."""

import os
import secrets
from pathlib import Path

from django.conf import settings

from bots.enums import PlatformName
from bots.models import default_scopes
from bots.service import BotChanges, put_bot
from core.access.actors import Actor
from core.access.models import User
from core.access.roles import Role
from sandbox.config import SandboxConfig, demo_app

OPERATOR = "admin"


def demo_sandbox(port: int) -> SandboxConfig:
    """The sandbox on ``port`` with its demo app, which is also added as a bot, or brought up to date."""
    app = demo_app([])
    address = f"http://localhost:{port}"
    changes = BotChanges(
        {
            "name": app.name,
            "platform": PlatformName.CUSTOM,
            "open_url": address,
            "accounts_url": address,
            "app_secret": app.app_secret,
            "auth_scopes": default_scopes(),
        }
    )
    bot, _is_new = put_bot(app_id=app.app_id, changes=changes, actor=Actor.command("runportal"))
    return SandboxConfig(apps=[demo_app([bot.redirect_uri])], portal_url=settings.PUBLIC_URL)


def operator_password(file: Path) -> str:
    """The demo operator's password, made once and kept in ``file``; empty when the operator has changed it."""
    user, is_new = User.objects.get_or_create(username=OPERATOR, defaults={"role": Role.ADMINISTRATOR})
    if is_new:
        password = secrets.token_urlsafe(9)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as target:
            target.write(password)
        user.set_password(password)
        user.save()
    password = file.read_text().strip() if file.exists() else ""
    return password if password and user.check_password(password) else ""
