"""A bot under examination, and what its checks share."""

import shlex
from functools import cached_property

from bots.brand import APP_UNKNOWN, is_known_to, other_brand
from bots.doctor.findings import Check, Finding, refused
from bots.enums import CheckResult, PlatformName
from bots.models import Bot
from feishu.categories import Category
from feishu.credentials import AppCredentials
from feishu.errors import FeishuError
from feishu.openapi import OpenAPI
from feishu.tenant_tokens import TenantTokens
from feishu.text import Text
from feishu.transport import Transport


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
        self.is_unreached = False
        """Nothing came back when the token was asked for: whatever else is asked would wait as long, for the same."""

    def refused(
        self, check: Check, error: FeishuError, *, result: CheckResult | None = None, cure: Text | None = None
    ) -> Finding:
        """The finding for a call that failed, without the App Secret."""
        return refused(check, error, result=result, cure=cure, secret=self.credentials.app_secret)

    def wrong_brand(self, check: Check, error: FeishuError) -> Finding | None:
        """The finding for a refusal whose reason is that the app belongs to the other brand, if it is that."""
        suspicious = error.info.category is Category.WRONG_BRAND or error.code in APP_UNKNOWN
        brand = self._rightful_brand if suspicious else None
        if brand is None:
            return None
        name = {PlatformName.FEISHU: Text("飞书", "Feishu"), PlatformName.LARK: Text("Lark", "Lark")}[brand]
        command = (
            f"manage.py addbot {shlex.quote(self.bot.name)} --app-id {self.bot.app_id} --platform {brand}"
        )
        return Finding(
            check,
            CheckResult.WRONG,
            Text(
                f"这是 {name.zh_cn} 的应用：{name.zh_cn} 的地址接受了同一组凭证",
                f"The app belongs to {name.en_us}, whose address accepts the same credentials",
            ),
            Text(
                f"在控制台的机器人页面点击“切换品牌”改为 {name.zh_cn}，或运行 {command}",
                f"Choose “Switch brand” on the bot's page in the console, which sets it to {name.en_us}, or run {command}",
            ),
            code=error.code,
            log_id=error.log_id,
        )

    @cached_property
    def _rightful_brand(self) -> PlatformName | None:
        """The other brand, where it knows the app; asked once."""
        brand = other_brand(self.bot)
        try:
            known = brand is not None and is_known_to(brand, self.credentials, self.tokens)
        except FeishuError:
            return None
        return brand if known else None
