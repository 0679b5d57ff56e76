"""``manage.py addapiclient``: a key for an internal system."""

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import IntegrityError
from django.utils import timezone

from bots.models import Bot
from core.access.actors import Actor
from core.access.api_keys import add_api_client
from core.access.path_rules import opens_nothing, parse_rule
from core.access.scopes import Scope
from core.checks import SETTINGS
from feishu.text import Text
from feishu_portal.management.preconditions import require_bots
from feishu_portal.management.speaking import PortalCommand, said

MAX_DAYS = 366


class Command(PortalCommand):
    about = Text(
        "添加 API 客户端并输出其密钥。密钥只显示这一次，之后无法再次查看。",
        "Add an API client and print its key. The key is shown this once and cannot be read again.",
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "name", help=said("调用方系统的名称，不可重复。", "Name of the system that will call, unique.")
        )
        parser.add_argument(
            "--scope",
            action="append",
            default=[],
            choices=Scope.values,
            help=said("允许的操作，可重复指定。", "What it may do; can be repeated."),
        )
        parser.add_argument(
            "--bot",
            action="append",
            default=[],
            metavar="APP_ID",
            help=said(
                "可使用的机器人，可重复指定；不指定则为全部。",
                "Bot it may act for; can be repeated; all if none.",
            ),
        )
        parser.add_argument(
            "--proxy-path",
            action="append",
            default=[],
            metavar="RULE",
            help=said(
                '经代理调用的规则：[allow|ask|deny] 方法 路径 [资源]，例如 "GET /open-apis/calendar/v4/**" 或 '
                '"ask POST /open-apis/im/v1/messages"；可重复指定，以首个匹配的规则为准，均不匹配则拒绝；不指定则允许全部调用。',
                "Rule for what it calls by the proxy: [allow|ask|deny] METHOD PATH [RESOURCE], e.g. "
                '"GET /open-apis/calendar/v4/**" or "ask POST /open-apis/im/v1/messages"; can be repeated, the first that fits decides, '
                "what none fits is refused; every call if there is none.",
            ),
        )
        parser.add_argument(
            "--expires-days",
            type=int,
            default=MAX_DAYS - 1,
            help=said("密钥有效天数（默认 %(default)s）。", "Life of the key (default %(default)s)."),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["scope"]:
            raise CommandError(
                said(
                    f"请用 --scope 指定允许的操作：{', '.join(Scope.values)}",
                    f"Say what it may do with --scope: {', '.join(Scope.values)}",
                )
            )
        if not 1 <= options["expires_days"] <= MAX_DAYS:
            raise CommandError(
                said(f"--expires-days 的取值为 1 至 {MAX_DAYS}。", f"--expires-days takes 1 to {MAX_DAYS}.")
            )
        bots = Bot.objects.filter(pk__in=require_bots(options["bot"]).values())
        for rule in options["proxy_path"]:
            try:
                parse_rule(rule)
            except ValueError as error:
                raise CommandError(
                    said(
                        f'"{rule}" 不是 "GET /open-apis/calendar/v4/**" 或 "ask POST /open-apis/im/v1/messages" 这样的规则。',
                        f'"{rule}" is no rule like "GET /open-apis/calendar/v4/**" or "ask POST /open-apis/im/v1/messages".',
                    )
                ) from error
        if opens_nothing(options["proxy_path"]):
            raise CommandError(
                said(
                    "这些规则拒绝全部调用，请至少允许一项。",
                    "These rules refuse every call: allow something, too.",
                )
            )
        try:
            client, key = add_api_client(
                name=options["name"],
                scopes=[Scope(scope) for scope in options["scope"]],
                bots=list(bots),
                proxy_paths=options["proxy_path"],
                expires_at=timezone.now() + timedelta(days=options["expires_days"]),
                actor=Actor.command("addapiclient"),
            )
        except IntegrityError as error:
            raise CommandError(
                said(
                    f"已有名为 {options['name']} 的 API 客户端。",
                    f"There is already an API client named {options['name']}.",
                )
            ) from error
        self.stderr.write(
            said(f"{client.name} 的密钥，仅显示这一次：", f"Key of {client.name}, shown this once:")
        )
        self.stdout.write(key)
