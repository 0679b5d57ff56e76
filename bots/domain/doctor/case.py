"""A bot under examination, and what its checks share."""

import shlex
from dataclasses import replace
from functools import cached_property
from typing import Final

from bots.domain.doctor.findings import Check, Finding, Verdict, refused
from bots.enums import PlatformName
from bots.models import Bot
from feishu.categories import Category
from feishu.credentials import AppCredentials
from feishu.errors import FeishuError
from feishu.openapi import OpenAPI
from feishu.platforms import FEISHU, LARK
from feishu.tenant_tokens import TenantTokens
from feishu.text import Text
from feishu.transport import Transport

_OTHER_BRAND: Final = {
    PlatformName.FEISHU.value: (PlatformName.LARK, LARK),
    PlatformName.LARK.value: (PlatformName.FEISHU, FEISHU),
}
# The token endpoint has no code for the wrong brand: it does not know the app.
_APP_UNKNOWN: Final = frozenset({10003, 10014, 99991543})


class Case:
    """The bot with its opened credentials. Tokens are its own: shared ones may be older than a reset App Secret."""

    def __init__(self, bot: Bot, credentials: AppCredentials, transport: Transport) -> None:
        self.bot = bot
        self.credentials = credentials
        self.transport = transport
        self.tokens = TenantTokens(transport)
        self.api = OpenAPI(credentials, transport, self.tokens)
        self.admitted = False
        """Whether the platform has issued the app's token."""

    def refused(
        self, check: Check, error: FeishuError, *, verdict: Verdict | None = None, cure: Text | None = None
    ) -> Finding:
        """The finding for a call that failed, without the App Secret."""
        return refused(check, error, verdict=verdict, cure=cure, secret=self.credentials.app_secret)

    def wrong_brand(self, check: Check, error: FeishuError) -> Finding | None:
        """The finding for a refusal whose reason is that the app belongs to the other brand, if it is that."""
        suspicious = error.info.category is Category.WRONG_BRAND or error.code in _APP_UNKNOWN
        brand = self._rightful_brand if suspicious else None
        if brand is None:
            return None
        name = {PlatformName.FEISHU: Text("飞书", "Feishu"), PlatformName.LARK: Text("Lark", "Lark")}[brand]
        command = (
            f"manage.py addbot {shlex.quote(self.bot.name)} --app-id {self.bot.app_id} --platform {brand}"
        )
        return Finding(
            check,
            Verdict.WRONG,
            Text(
                f"这是 {name.zh_cn} 的应用：{name.zh_cn} 的地址接受了同一组凭证",
                f"The app belongs to {name.en_us}, whose address accepts the same credentials",
            ),
            Text(
                f"在控制台把机器人的平台改为「{name.zh_cn}」，或运行 {command}",
                f"Set the bot's platform to {name.en_us} in the console, or run {command}",
            ),
            code=error.code,
            log_id=error.log_id,
        )

    @cached_property
    def _rightful_brand(self) -> PlatformName | None:
        """The other brand, where it knows the app; asked once."""
        if self.bot.platform not in _OTHER_BRAND:
            return None
        brand, addresses = _OTHER_BRAND[self.bot.platform]
        try:
            self.tokens.get(replace(self.credentials, platform=addresses))
        except FeishuError:
            return None
        return brand
