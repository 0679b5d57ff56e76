"""``manage.py setuplink``: a one-time link to make the first operator in the browser."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from core.access.setup_link import new_setup_link
from core.checks import SETTINGS
from feishu.text import Text
from feishu_portal.management.speaking import PortalCommand, said
from feishu_portal.runtime.derived_address import adopt


class Command(PortalCommand):
    about = Text(
        "输出一次性链接，用于在浏览器中创建第一个操作员。链接一小时内有效，仅可使用一次，且仅在没有操作员时有效；生成新链接后旧链接失效。",
        "Print a one-time link by which the first operator is made in the browser. It works for an hour, once, and only while there is no operator; a new one ends the former.",
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--url",
            default="",
            help=said(
                "浏览器访问门户的地址（默认 PUBLIC_URL，未设置则为 http://localhost:8000）。",
                "Address at which the browser reaches the portal (default: PUBLIC_URL, else http://localhost:8000).",
            ),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        adopt()
        url = options["url"] or settings.PUBLIC_URL or "http://localhost:8000"
        link = new_setup_link()
        if link is None:
            raise CommandError(
                said(
                    "已有操作员。请由管理员在“操作员”页面添加，或在此运行 createsuperuser。",
                    "There is an operator already. Operators add others on the page Operators; createsuperuser makes one here.",
                )
            )
        self.stderr.write(said("链接仅可打开一次，一小时内有效：", "Opens once, within an hour:"))
        self.stdout.write(f"{url.rstrip('/')}{link}")
