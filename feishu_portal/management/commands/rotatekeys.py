"""``manage.py rotatekeys``: put every stored secret under the first of the ENCRYPTION_KEYS."""

from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from core.access.actors import Actor
from core.checks import SETTINGS
from core.vault.loss import discard_unreadable
from core.vault.rotation import count_values, rotate_keys
from feishu.text import Text
from feishu_portal.management.confirmation import confirm
from feishu_portal.management.progress import progress_bar
from feishu_portal.management.speaking import PortalCommand, language, said
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


class Command(PortalCommand):
    about = Text(
        "门户运行期间，用 ENCRYPTION_KEYS 的第一个密钥分批重新加密全部凭证。步骤：将新密钥放在旧密钥之后并重启全部进程；再将新密钥移到最前并重启全部进程；运行本命令；最后移除旧密钥。若一步完成，持有新密钥的进程会写入其他进程尚无法读取的内容。中断后重新运行会从停止处继续。",
        "Re-encrypt every stored secret with the first of the ENCRYPTION_KEYS, in small batches, while the portal runs. Put the new key behind the old one and restart every process; put it first and restart every process; run this; then take the old key out. In one step, a process with the new key would write what the others cannot read yet. Interrupted, it goes on where it stopped when it is run again.",
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help=said("仅统计将要更改的数量，不作更改。", "Count what would change; change nothing."),
        )
        parser.add_argument(
            "--discard-unreadable",
            action="store_true",
            help=said(
                "密钥丢失时使用：清空任何密钥都无法解密的凭证。相关机器人停用、授权结束、接收方暂停。",
                "Where a key is lost: empty the secrets that no key opens. Their bots are disabled, grants ended, receivers paused.",
            ),
        )
        parser.add_argument(
            "--yes", action="store_true", help=said("丢弃前不再询问。", "Do not ask before discarding.")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        dry_run = options["dry_run"]
        if options["discard_unreadable"] and not dry_run:
            self._discard(is_sure=options["yes"])
        with progress_bar(
            self.stderr, said("正在重新加密", "Re-encrypting"), total=count_values()
        ) as advance:
            result = rotate_keys(actor=Actor.command("rotatekeys"), dry_run=dry_run, on_progress=advance)
        self.stdout.write(
            said(
                f"{'将重新加密' if dry_run else '已重新加密'} {result.rotated} 个值，{result.unchanged} 个已使用第一个密钥"
                + (f"，{result.overtaken} 个在此期间被改写" if result.overtaken else "")
                + "。",
                f"{result.rotated} values {'would be re-encrypted' if dry_run else 're-encrypted'}, "
                f"{result.unchanged} were under the first key already"
                + (f", {result.overtaken} were written meanwhile" if result.overtaken else "")
                + ".",
            )
        )
        if lost := result.unreadable:
            names = [f"  {name}" for name in lost[:SHOWN]]
            others = said(f"  及其他 {len(lost) - SHOWN} 个", f"  and {len(lost) - SHOWN} more")
            more = [others] if len(lost) > SHOWN else []
            raise CommandError(
                said(
                    f"{len(lost)} 个值无法用任何 ENCRYPTION_KEYS 解密。请放回写入时使用的密钥后重新运行。",
                    f"{len(lost)} values open with none of the ENCRYPTION_KEYS. Put the key they were written with back "
                    "and run this again.",
                )
                + "\n"
                + "\n".join([*names, *more])
            )

    def _discard(self, *, is_sure: bool) -> None:
        if not is_sure:
            confirm(
                self.stdout,
                said(
                    "任何 ENCRYPTION_KEYS 都无法解密的凭证将永久丢失，之后即使找回密钥也无法恢复。",
                    "Secrets that none of the ENCRYPTION_KEYS opens are lost for good. A key that turns up later opens nothing any more.",
                ),
                word="discard",
            )
        with progress_bar(self.stderr, said("正在读取", "Reading"), total=count_values()) as advance:
            discarded = discard_unreadable(
                actor=Actor.command("rotatekeys"), consequences=CONSEQUENCES, on_progress=advance
            )
        for name, count in sorted(discarded.items()):
            self.stdout.write(said(f"  {count:>7,} {name} 已丢弃", f"  {count:>7,} {name} discarded"))
        for emptied, to_do in TO_DO:
            if any(name.startswith(emptied) for name in discarded):
                self.stdout.write(to_do.in_language(language()))
