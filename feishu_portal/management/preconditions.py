"""What commands find out before they begin. Each raises CommandError with what to do."""

from collections.abc import Collection
from uuid import UUID

from django.conf import settings
from django.core.management.base import CommandError, OutputWrapper

from bots.models import Bot
from core.installation.watch import sentence, watch
from core.vault.canary import verify_keys
from core.vault.keyring import SealedValueError
from feishu_portal.management.speaking import language, said


def require_keys() -> None:
    """ENCRYPTION_KEYS opens this database."""
    try:
        verify_keys()
    except SealedValueError as error:
        raise CommandError(str(error)) from error


def say_if_passive(stream: OutputWrapper) -> None:
    """The process starts, and does nothing until the database is adopted: whoever started it has to know. A log for machines
    has the line of the watch."""
    text = sentence(watch.current())
    if text is not None and settings.LOG_FORMAT == "console":
        stream.write(text.in_language(language()))


def require_active() -> None:
    """The portal may send something."""
    text = sentence(watch.current())
    if text is not None:
        raise CommandError(text.in_language(language()))


def require_bots(app_ids: Collection[str]) -> dict[str, UUID]:
    """There is a bot for each App ID; their primary keys."""
    found = dict(Bot.objects.filter(app_id__in=app_ids).values_list("app_id", "pk"))
    if unknown := set(app_ids) - found.keys():
        raise CommandError(
            said(
                f"没有 App ID 为 {', '.join(sorted(unknown))} 的机器人，请用 manage.py addbot 添加。",
                f"No bot with App ID {', '.join(sorted(unknown))}. Add it with manage.py addbot.",
            )
        )
    return found
