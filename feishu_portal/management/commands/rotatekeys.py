"""``manage.py rotatekeys``: put every stored secret under the first of the ENCRYPTION_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.access.actors import Actor
from core.checks import SETTINGS
from core.vault.rotation import count_values, rotate_keys
from feishu_portal.management.progress import progress_bar

SHOWN = 5


class Command(BaseCommand):
    help = (
        "Re-encrypt every stored secret with the first of the ENCRYPTION_KEYS, in small batches, while the portal runs. "
        "Put the new key first and keep the old one behind it, restart every process, run this, and then take the old key out. "
        "Interrupted, it goes on where it stopped when it is run again."
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Count what would change; change nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        dry_run = options["dry_run"]
        with progress_bar(self.stderr, "Re-encrypting", total=count_values()) as advance:
            result = rotate_keys(actor=Actor.command("rotatekeys"), dry_run=dry_run, on_progress=advance)
        self.stdout.write(
            f"{result.rotated} values {'would be re-encrypted' if dry_run else 're-encrypted'}, "
            f"{result.unchanged} were under the first key already"
            + (f", {result.overtaken} were written meanwhile" if result.overtaken else "")
            + "."
        )
        if lost := result.unreadable:
            names = [f"  {name}" for name in lost[:SHOWN]]
            more = [f"  and {len(lost) - SHOWN} more"] if len(lost) > SHOWN else []
            raise CommandError(
                f"{len(lost)} values open with none of the ENCRYPTION_KEYS. Put the key they were written with back "
                "and run this again.\n" + "\n".join([*names, *more])
            )
