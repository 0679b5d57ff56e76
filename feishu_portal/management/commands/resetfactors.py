"""``manage.py resetfactors``: lets an operator in again who has lost every second factor, where no other administrator can."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from core.access.actors import Actor
from core.access.models import User
from core.access.second_factors.policy import has_factor, reset_factors
from core.checks import SETTINGS
from feishu.text import Text
from feishu_portal.management.speaking import PortalCommand, said


class Command(PortalCommand):
    about = Text(
        "清除操作员的两步验证与恢复代码，并结束其登录会话。该操作员随后仅凭密码登录，并重新设置。",
        "Take away an operator's second factors and recovery codes, and end their sessions. They sign in by password alone, and set new ones up.",
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help=said("操作员用户名。", "Name of the operator."))

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["username"]
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(said(f"没有名为 {name} 的操作员。", f"There is no operator named {name}."))
        if not has_factor(user):
            raise CommandError(said(f"{name} 未设置两步验证。", f"{name} has no second factor."))
        reset_factors(user, actor=Actor.command("resetfactors"))
        self.stdout.write(
            said(
                f"已清除 {name} 的两步验证并结束其登录会话。",
                f"The second factors of {name} are reset, and their sessions have ended.",
            )
        )
