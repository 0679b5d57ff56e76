"""``manage.py addbot``: add or update a bot."""

import getpass
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from bots.enums import PlatformName, TokenEndpoint, Transport
from bots.service import NEXT, BotChanges, put_bot
from bots.webhook.rotation import LASTS, MAX_LASTS, promote
from core.access.actors import Actor
from core.checks import SETTINGS
from core.installation.watch import watch
from core.vault.keyring import SealedValueError
from feishu.text import Text
from feishu_portal.management.speaking import PortalCommand, said
from feishu_portal.runtime.derived_address import adopt


class Command(PortalCommand):
    about = Text(
        "添加机器人，或更新此 App ID 的机器人。App Secret 取自 --app-secret-file、环境变量 FEISHU_APP_SECRET 或标准输入，绝不写在命令行上。",
        "Add a bot, or update the one with this App ID. The App Secret is read from --app-secret-file, from the environment variable FEISHU_APP_SECRET, or from standard input; never from the command line.",
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help=said("控制台中显示的名称。", "Name shown in the console."))
        parser.add_argument(
            "--app-id",
            required=True,
            help=said("App ID，例如 cli_a1b2c3d4e5f60718。", "App ID, e.g. cli_a1b2c3d4e5f60718."),
        )
        parser.add_argument("--platform", choices=PlatformName.values, default=None)
        parser.add_argument(
            "--open-url",
            default=None,
            help=said("自定义平台的 OpenAPI 地址。", "OpenAPI address of a custom platform."),
        )
        parser.add_argument(
            "--accounts-url",
            default=None,
            help=said("自定义平台的账号（accounts）地址。", "Accounts address of a custom platform."),
        )
        parser.add_argument(
            "--browser-url",
            default=None,
            help=said(
                "用户浏览器访问自定义平台账号服务的地址（与上者不同时填写）。",
                "Accounts address of a custom platform as people's browsers reach it, where that is another one.",
            ),
        )
        parser.add_argument(
            "--token-endpoint",
            choices=TokenEndpoint.values,
            default=None,
            help=said(
                "平台令牌接口的版本（默认 v3）。", "Version of the platform's token endpoint (default v3)."
            ),
        )
        parser.add_argument(
            "--transport",
            choices=Transport.values,
            default=None,
            help=said("接收事件的方式。", "How events arrive."),
        )
        parser.add_argument(
            "--callback-transport",
            choices=["same", *Transport.values],
            default=None,
            help=said(
                "接收回调的方式：与事件相同（默认），或与开发者后台“回调配置”一致。",
                "How callbacks arrive: the same way as events (default), or as the callback tab of the developer console says.",
            ),
        )
        parser.add_argument(
            "--slots",
            type=int,
            default=None,
            help=said("长连接数（默认 1）。", "Number of long connections (default 1)."),
        )
        parser.add_argument(
            "--scope",
            action="append",
            default=None,
            help=said("向用户申请的权限，可重复指定。", "Scope to ask users for; can be repeated."),
        )
        parser.add_argument("--app-secret-file", type=Path, default=None)
        parser.add_argument("--encrypt-key-file", type=Path, default=None)
        parser.add_argument("--verification-token-file", type=Path, default=None)
        parser.add_argument(
            "--next-encrypt-key-file",
            type=Path,
            default=None,
            help=said(
                "平台即将启用的 Encrypt Key 所在文件；在一段时间内与当前的同时有效。",
                "File with the Encrypt Key that the platform is going to use; valid beside the current one for a while.",
            ),
        )
        parser.add_argument(
            "--next-verification-token-file",
            type=Path,
            default=None,
            help=said("同上，用于 Verification Token。", "The same for the Verification Token."),
        )
        parser.add_argument(
            "--rotation-days",
            type=int,
            choices=range(1, MAX_LASTS.days + 1),
            metavar="DAYS",
            default=None,
            help=said(
                f"两者同时有效的天数，自现在起（默认 {LASTS.days}，最多 {MAX_LASTS.days}）。",
                f"How long both are valid, from now on (default {LASTS.days}, at most {MAX_LASTS.days}).",
            ),
        )
        rotation = parser.add_mutually_exclusive_group()
        rotation.add_argument(
            "--use-next-secrets",
            action="store_true",
            help=said(
                "结束更换：此后仅新的密钥有效。",
                "End the rotation: from now on the next secrets alone are valid.",
            ),
        )
        rotation.add_argument(
            "--no-next-secrets",
            action="store_true",
            help=said("丢弃待启用的密钥。", "Forget the next secrets."),
        )
        proxy = parser.add_mutually_exclusive_group()
        proxy.add_argument(
            "--proxy-url-file",
            type=Path,
            default=None,
            help=said(
                "该机器人专用代理所在文件，格式 http://user:password@host:port。",
                "File with the bot's own proxy, http://user:password@host:port.",
            ),
        )
        proxy.add_argument(
            "--no-proxy",
            action="store_true",
            help=said("删除该机器人的专用代理。", "Forget the bot's own proxy."),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # A prepared database that is still empty becomes this installation's own before it holds a bot: after that it would be
        # taken for a restored backup.
        watch.current()
        given = {
            "name": options["name"],
            "platform": options["platform"],
            "open_url": options["open_url"],
            "accounts_url": options["accounts_url"],
            "browser_url": options["browser_url"],
            "token_endpoint": options["token_endpoint"],
            "transport": options["transport"],
            "callback_transport": ""
            if options["callback_transport"] == "same"
            else options["callback_transport"],
            "slot_count": options["slots"],
            "auth_scopes": options["scope"],
            "app_secret": self._app_secret(options["app_secret_file"]),
            "encrypt_key": _content(options["encrypt_key_file"]),
            "verification_token": _content(options["verification_token_file"]),
            "next_encrypt_key": _content(options["next_encrypt_key_file"]),
            "next_verification_token": _content(options["next_verification_token_file"]),
            "proxy_url": _content(options["proxy_url_file"]),
        }
        if options["rotation_days"]:
            given["rotation_ends_at"] = timezone.now() + timedelta(days=options["rotation_days"])
        if given["platform"] is None and given["open_url"]:
            given["platform"] = PlatformName.CUSTOM
        changes = BotChanges(
            {name: value for name, value in given.items() if value is not None},
            removed=frozenset(
                [
                    *(["proxy_url"] if options["no_proxy"] else []),
                    *(NEXT if options["no_next_secrets"] else []),
                ]
            ),
        )
        actor = Actor.command("addbot")
        try:
            with transaction.atomic():
                bot, new = put_bot(app_id=options["app_id"], changes=changes, actor=actor)
                if options["use_next_secrets"] and not promote(bot, actor=actor):
                    raise CommandError(said("该机器人没有待启用的密钥。", "The bot has no next secret."))
        except ValidationError as error:
            lines = [
                f"{field}: {message}" if field != "__all__" else message
                for field, messages in error.message_dict.items()
                for message in messages
            ]
            raise CommandError("\n".join(lines)) from error
        except SealedValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            said(
                f"已{'添加' if new else '更新'} {bot.name}（{bot.app_id}）。",
                f"{'Added' if new else 'Updated'} {bot.name} ({bot.app_id}).",
            )
        )
        adopt()
        if bot.redirect_uri:
            self.stdout.write(
                said(
                    f"请在开发者后台登记重定向 URL：{bot.redirect_uri}",
                    f"Redirect URL to register in the developer console: {bot.redirect_uri}",
                )
            )

    def _app_secret(self, file: Path | None) -> str:
        if file:
            return _content(file) or ""
        if secret := os.environ.get("FEISHU_APP_SECRET", "").strip():
            return secret
        if sys.stdin.isatty():
            return getpass.getpass(
                said("App Secret（留空则保留已存的）：", "App Secret (empty keeps the stored one): ")
            ).strip()
        return sys.stdin.readline().strip()


def _content(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text().strip()
    except OSError as error:
        raise CommandError(
            said(f"无法读取 {file}：{error.strerror}。", f"Cannot read {file}: {error.strerror}.")
        ) from error
    except UnicodeDecodeError as error:
        raise CommandError(
            said(f"无法读取 {file}：不是文本文件。", f"Cannot read {file}: it is no text.")
        ) from error
