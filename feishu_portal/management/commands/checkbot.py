"""``manage.py checkbot``: the doctor."""

from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from bots.doctor.examination import examination
from bots.doctor.findings import Finding
from bots.enums import CheckResult
from bots.models import Bot
from core.checks import SETTINGS
from feishu.text import Text
from feishu_portal.management.preconditions import require_active, require_bots
from feishu_portal.management.speaking import PortalCommand, said
from feishu_portal.management.speaking import language as terminal
from feishu_portal.runtime.derived_address import adopt

_MARKS: Final = {
    CheckResult.OK: "✓",
    CheckResult.WARNING: "!",
    CheckResult.WRONG: "✗",
    CheckResult.UNKNOWN: "?",
    CheckResult.WAITING: "…",
}
_CODE: Final = Text("平台错误码", "platform code")
_CURE: Final = Text("处理", "What to do")


class Command(PortalCommand):
    about = Text(
        "检测机器人，与其页面上的检查清单相同：凭证、长连接、权限、事件、回调、重定向 URL、已发布版本，各附原因与处理办法。不作任何更改。有错误时退出码为 1；警告、无法得知与尚未发生的项目不计。",
        "Examine a bot, as the checklist on its page does: credentials, long connections, scopes, events, callbacks, redirect URL, published version; each with cause and cure. Changes nothing. The exit code is 1 if anything is wrong; warnings, what cannot be found out and what has not happened yet do not count.",
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "app_id",
            metavar="APP_ID",
            help=said(
                "机器人的 App ID，例如 cli_a1b2c3d4e5f60718。",
                "App ID of the bot, e.g. cli_a1b2c3d4e5f60718.",
            ),
        )
        parser.add_argument(
            "--lang",
            choices=("zh", "en"),
            default="",
            help=said("语言（默认与终端一致）。", "Language (default: that of the terminal)."),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        require_active()
        adopt()
        bot = Bot.objects.get(pk=require_bots([options["app_id"]])[options["app_id"]])
        language = options["lang"] or terminal()
        wrong = 0
        for finding in examination(bot, tells_proxy_errors=True):
            self._print(finding, language)
            wrong += finding.result is CheckResult.WRONG
        if wrong:
            words = Text(f"{bot.app_id}：有 {wrong} 项错误。", f"{bot.app_id}: {wrong} wrong.")
            raise CommandError(words.in_language(language))

    def _print(self, finding: Finding, language: str) -> None:
        style = {CheckResult.OK: self.style.SUCCESS, CheckResult.WRONG: self.style.ERROR}.get(
            finding.result, self.style.WARNING
        )
        title, cause, cure = (
            text.in_language(language) for text in (finding.title, finding.cause, finding.cure)
        )
        self.stdout.write(f"{style(_MARKS[finding.result])} {title}: {cause}{_codes(finding, language)}")
        if cure:
            self.stdout.write(f"    {_CURE.in_language(language)}: {cure}")


def _codes(finding: Finding, language: str) -> str:
    code = "" if finding.code is None else f"{_CODE.in_language(language)} {finding.code}"
    log_id = f"log id {finding.log_id}" if finding.log_id else ""
    facts = ", ".join(filter(None, (code, log_id)))
    return f" ({facts})" if facts else ""
