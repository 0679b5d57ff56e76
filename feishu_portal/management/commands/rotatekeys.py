"""``manage.py rotatekeys``: put every stored secret under the first of the ENCRYPTION_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from core.access.actors import Actor
from core.access.models import KeyCanary
from core.checks import SETTINGS
from core.vault.rotation import Tally, count, record, rotate, sealed_columns

SHOWN = 5


class Command(BaseCommand):
    help = (
        "Re-encrypt every stored secret with the first of the ENCRYPTION_KEYS, in small steps, while the portal runs. "
        "Put the new key first and keep the old one behind it, restart every process, run this, and then take the old key out. "
        "Interrupted, it goes on where it stopped when it is run again."
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Count what would change; change nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        tally = self._rotate(dry_run=options["dry_run"])
        verb = "would be re-encrypted" if options["dry_run"] else "re-encrypted"
        self.stdout.write(
            f"{tally.rotated} values {verb}, {tally.current} were under the first key already"
            + (f", {tally.overtaken} were written anew meanwhile" if tally.overtaken else "")
            + "."
        )
        if tally.closed:
            shown = "\n".join(f"  {name}" for name in tally.closed[:SHOWN])
            more = len(tally.closed) - SHOWN
            raise CommandError(
                f"{len(tally.closed)} values open with none of the ENCRYPTION_KEYS. Put the key they were written with back "
                f"and run this again.\n{shown}" + (f"\n  and {more} more" if more > 0 else "")
            )
        if not options["dry_run"]:
            record(tally, actor=Actor.command("rotatekeys"))

    def _rotate(self, *, dry_run: bool) -> Tally:
        tally = Tally()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True)) as progress:
            for column in sealed_columns():
                if column.model is KeyCanary and tally.closed:
                    break
                task = progress.add_task(f"{column.model._meta.label}.{column.name}", total=count(column))
                for done in rotate(column, tally, dry_run=dry_run):
                    progress.advance(task, done)
        return tally
