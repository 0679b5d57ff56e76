"""``manage.py rotatekeys``: put every stored secret under the first of the ENCRYPTION_KEYS."""

from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.access.actors import Actor
from core.checks import SETTINGS
from core.vault.loss import discard_unreadable
from core.vault.rotation import count_values, rotate_keys
from feishu.text import Text
from feishu_portal.management.confirmation import confirm
from feishu_portal.management.progress import progress_bar
from feishu_portal.runtime.lost_keys import CONSEQUENCES

SHOWN = 5
TO_DO: Final = (
    (
        ("bots.bot.app_secret",),
        Text(
            "已停用的机器人需重新填写 App Secret 并启用（控制台或 addbot）。",
            "Bots that were switched off need their App Secret again, and to be switched on (console, or addbot).",
        ),
    ),
    (
        ("bots.bot.encrypt_key", "bots.bot.verification_token", "bots.bot.proxy_url"),
        Text(
            "其 Encrypt Key、Verification Token 与代理地址（如有）也需重新填写。",
            "Those that had an Encrypt Key, a Verification Token or a proxy need these again, too.",
        ),
    ),
    (
        ("auth_sessions.usertoken.",),
        Text(
            "用户需重新授权：向机器人发送 /auth，或从控制台发送链接。",
            "People whose tokens are lost authorize again: /auth, or a link from the console.",
        ),
    ),
    (
        ("events.subscription.",),
        Text(
            "已暂停的订阅需生成新的签名密钥并交给接收方。",
            "Paused subscriptions need a new signing secret, and so do their receivers.",
        ),
    ),
)
"""By the beginnings of the fields that were emptied: what people have to do."""


class Command(BaseCommand):
    help = (
        "Re-encrypt every stored secret with the first of the ENCRYPTION_KEYS, in small batches, while the portal runs. "
        "Put the new key behind the old one and restart every process; put it first and restart every process; run this; then take "
        "the old key out. In one step, a process with the new key would write what the others cannot read yet. "
        "Interrupted, it goes on where it stopped when it is run again."
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Count what would change; change nothing.")
        parser.add_argument(
            "--discard-unreadable",
            action="store_true",
            help="Where a key is lost: empty the secrets that no key opens. Their bots are disabled, grants ended, receivers paused.",
        )
        parser.add_argument("--yes", action="store_true", help="Do not ask before discarding.")

    def handle(self, *args: Any, **options: Any) -> None:
        dry_run = options["dry_run"]
        if options["discard_unreadable"] and not dry_run:
            self._discard(is_sure=options["yes"])
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

    def _discard(self, *, is_sure: bool) -> None:
        if not is_sure:
            confirm(
                self.stdout,
                "Secrets that none of the ENCRYPTION_KEYS opens are lost for good. A key that turns up later opens nothing any more.",
                word="discard",
            )
        with progress_bar(self.stderr, "Reading", total=count_values()) as advance:
            discarded = discard_unreadable(
                actor=Actor.command("rotatekeys"), consequences=CONSEQUENCES, on_progress=advance
            )
        for name, count in sorted(discarded.items()):
            self.stdout.write(f"  {count:>7,} {name} discarded")
        for emptied, to_do in TO_DO:
            if any(name.startswith(emptied) for name in discarded):
                self.stdout.write(f"{to_do.en_us} {to_do.zh_cn}")
