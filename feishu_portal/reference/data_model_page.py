"""Writes diagrams and tables of the models into docs/reference/data-model.md and its Chinese page:
``DEBUG=on python -m feishu_portal.reference.data_model_page``.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from feishu.text import Text
from feishu_portal.reference.marked_pages import pages, table, write_with_django

if TYPE_CHECKING:
    from django.db.models import Field, Model

APPS: Final[Mapping[str, Text]] = {
    "access": Text("操作员与调用方", "Operators and callers"),
    "bots": Text("机器人与连接", "Bots and their connections"),
    "events": Text("事件与投递", "Events and deliveries"),
    "auth_sessions": Text("用户授权", "Authorizations"),
    "alerts": Text("告警卡片", "Alerts on cards"),
    "approvals": Text("调用批准", "Approvals of calls"),
    "greetings": Text("欢迎语", "Greetings"),
}
_HEAD: Final = [
    Text("表", "table"),
    Text("内容", "holds"),
    Text("加密的列", "encrypted columns"),
    Text("保留与上限", "how long, how many"),
]
_COLUMNS: Final = [
    Text("列", "column"),
    Text("类型", "type"),
    Text("可为空", "null"),
    Text("含义", "meaning"),
]
UNNAMED: Final[Mapping[str, Text]] = {
    "auth_sessions.Answered": Text("已响应的消息", "answered messages"),
    "bots.PersonKey": Text("按姓名查找成员的索引", "what people are found by"),
    "bots.PersonPicture": Text("成员头像", "pictures of people"),
    "bots.PeopleLookup": Text("成员查询状态", "lookups of people"),
    "bots.RefusedPush": Text("被拒绝的 Webhook 请求计数", "refused webhook requests"),
    "bots.Registration": Text("扫码注册", "registrations by QR code"),
    "bots.SecretUse": Text("密钥使用计数", "use of webhook secrets"),
    "greetings.Greeted": Text("已发送欢迎语的会话", "greeted chats"),
    "events.EventExpansion": Text("事件所引用的消息", "messages that events refer to"),
    "events.BotQueue": Text("机器人在处理队列中的位置", "places of bots in the queue"),
}
"""Models that no page of the console names."""
_KEPT: Final = Text("由操作员删除", "Until an operator deletes it")
_ONE_ROW: Final = Text("一行", "One row")
_OF_BOT: Final = Text("每个机器人一行", "One row for each bot")
_WITH_EVENT: Final = Text("随事件删除", "Goes with its event")


def _days(setting: str, zh_cn: str = "", en_us: str = "") -> Text:
    return Text(f"{zh_cn}`{setting}` 天", f"`{setting}` days{en_us}")


def kept() -> dict[str, Text]:
    """How long the rows of each model stay, and what bounds their number."""
    from auth_sessions.retention import ANSWERED_KEPT, DRAFTS_KEPT, LINKS_KEPT  # noqa: PLC0415 -- see above
    from bots.groups.service import MAX_EXCEPTIONS  # noqa: PLC0415 -- see above
    from bots.people.pictures import MAX_BYTES  # noqa: PLC0415 -- see above
    from bots.retention import (  # noqa: PLC0415 -- see above
        INCIDENTS_KEPT,
        LOSSES_KEPT,
        NOTICE_CARDS_KEPT,
        PEOPLE_KEPT,
        REFUSALS_KEPT,
        REGISTRATIONS_KEPT,
    )
    from bots.sending.batches import BATCHES_KEPT  # noqa: PLC0415 -- see above
    from events.log.retention import (  # noqa: PLC0415 -- see above
        COUNTS_KEPT,
        MARKS_KEPT,
        REPLAYS_KEPT,
        SHED_COUNTS_KEPT,
        SLOTS_KEPT,
    )
    from feishu_portal.alerts.retention import GROUPS_KEPT  # noqa: PLC0415 -- needs Django
    from feishu_portal.greetings.retention import GREETED_KEPT  # noqa: PLC0415 -- see above

    return {
        "access.User": _KEPT,
        "access.ApiClient": _KEPT,
        "access.AuditEntry": _days("FEISHU_AUDIT_DAYS"),
        "access.SignInAttempts": Text("最后一次尝试后 1 天", "1 day after the last attempt"),
        "access.OperatorSession": Text("结束后一小时内删除", "Deleted within an hour of their end"),
        "access.TotpDevice": Text(
            "直到移除；未确认的保留 1 天", "Until it is removed; 1 day if it was never confirmed"
        ),
        "access.Passkey": Text("直到移除", "Until it is removed"),
        "access.PasskeyChallenge": Text("过期后一小时内删除", "Deleted within an hour of its end"),
        "access.RecoveryCode": Text("直到生成新的恢复代码", "Until new ones are made"),
        "access.SetupLink": _ONE_ROW,
        "access.KeyCanary": _ONE_ROW,
        "access.Installation": _ONE_ROW,
        "access.DatabaseAnchor": _ONE_ROW,
        "bots.Bot": Text(
            "由操作员删除；其数据在后台分批删除，最后删除机器人本身",
            "Until an operator deletes it: its rows go in batches, the bot last",
        ),
        "bots.CardTemplate": _KEPT,
        "bots.ConnectionSlot": Text("与机器人设置的连接数相同", "As many as the bot is to have connections"),
        "bots.ConnectionLoss": Text(f"{LOSSES_KEPT.days} 天", f"{LOSSES_KEPT.days} days"),
        "bots.PlatformCount": _OF_BOT,
        "bots.Checkup": _OF_BOT,
        "bots.StoredFinding": Text("每个机器人、每项检查一行", "One row for each check of a bot"),
        "bots.Person": Text(
            f"{PEOPLE_KEPT.days} 天；仍被授权、授权请求、令牌使用或消息引用的不删除",
            f"{PEOPLE_KEPT.days} days, and as long as a grant, a session, a use of a token or a sent message names the person",
        ),
        "bots.PersonKey": Text("随成员删除；每人至多 16 行", "Goes with its person; 16 of one at most"),
        "bots.PersonPicture": Text(
            f"随成员删除；每人一张，至多 {MAX_BYTES // 1000} KB",
            f"Goes with its person; one of each, of at most {MAX_BYTES // 1000} kB",
        ),
        "bots.PeopleLookup": _OF_BOT,
        "bots.GroupException": Text(
            f"由操作员删除；每个机器人至多 {MAX_EXCEPTIONS} 个",
            f"Until an operator sets the group as the bot's others; {MAX_EXCEPTIONS} of a bot at most",
        ),
        "bots.FleetProcess": Text(
            "每个进程一行，进程消失后删除", "One row for each process; goes when it is away"
        ),
        "bots.Incident": Text(
            f"关闭后 {INCIDENTS_KEPT.days} 天", f"{INCIDENTS_KEPT.days} days after it was closed"
        ),
        "bots.NoticeCard": Text(
            f"发送后 {NOTICE_CARDS_KEPT.days} 天", f"{NOTICE_CARDS_KEPT.days} days after it was sent"
        ),
        "bots.Notice": Text("随异常删除", "Goes with its incident"),
        "bots.ProblemSilence": Text("静默结束后删除；静默持续一天", "Until the silence is over, a day later"),
        "bots.Sending": _days("FEISHU_TOKEN_USE_DAYS"),
        "bots.ReplyStream": _days("FEISHU_TOKEN_USE_DAYS"),
        "bots.MessageBatch": Text(
            f"结束后 {BATCHES_KEPT.days} 天，含消息内容",
            f"{BATCHES_KEPT.days} days after it ended, with its message",
        ),
        "bots.BatchRecipient": Text(
            "随消息批次删除；每批至多 5,000 个", "Goes with its batch; 5,000 of one at most"
        ),
        "bots.SecretUse": Text(
            "仅在更换密钥期间，每个密钥至多两行",
            "While a secret is rotated; two rows of a secret at most",
        ),
        "bots.RefusedPush": Text(
            f"每个机器人、每种原因一行；最后一次后 {REFUSALS_KEPT.days} 天",
            f"One row for each bot and reason; {REFUSALS_KEPT.days} days after the last one",
        ),
        "bots.Registration": Text(
            f"{REGISTRATIONS_KEPT.days} 天；密文在结束时销毁",
            f"{REGISTRATIONS_KEPT.days} days; what is sealed is destroyed when it ends",
        ),
        "events.EventExpansion": _WITH_EVENT,
        "events.Event": Text(
            "`FEISHU_EVENT_RETENTION_DAYS` 天，失败的 `FEISHU_FAILED_EVENT_RETENTION_DAYS` 天，无处理器的 "
            "`FEISHU_IGNORED_EVENT_RETENTION_DAYS` 天；机器人可单独设置；处理或投递未结束的不删除",
            "`FEISHU_EVENT_RETENTION_DAYS` days, failed ones `FEISHU_FAILED_EVENT_RETENTION_DAYS`, those without a handler "
            "`FEISHU_IGNORED_EVENT_RETENTION_DAYS`, or as the bot says; what is still handled or delivered stays",
        ),
        "events.ReplayJob": Text(
            f"结束后 {REPLAYS_KEPT.days} 天", f"{REPLAYS_KEPT.days} days after it ended"
        ),
        "events.Subscription": Text(
            "由操作员删除；其投递记录删除后，该行随之删除",
            "Until an operator removes it and the last of its deliveries is gone",
        ),
        "events.Delivery": Text(
            "随事件删除；无人接收的在 `FEISHU_DELIVERY_KEEP_DAYS` 天后成为死信",
            "Goes with its event; what nobody takes for `FEISHU_DELIVERY_KEEP_DAYS` days is a dead letter",
        ),
        "events.DeliveryAttempt": _WITH_EVENT,
        "events.HandlerRun": _WITH_EVENT,
        "events.HandlerAttempt": _WITH_EVENT,
        "events.BotQueue": _OF_BOT,
        "events.HandlerSwitch": Text(
            "每个机器人、每个被操作员设置过的处理器一行",
            "One row for each handler of a bot that an operator has switched",
        ),
        "events.ShedCount": Text(
            f"每小时、每种降级项一行；{SHED_COUNTS_KEPT.days} 天",
            f"One row for each hour and kind; {SHED_COUNTS_KEPT.days} days",
        ),
        "events.EventCount": Text(
            f"每个机器人、每小时一行，{COUNTS_KEPT.days} 天；每 5 分钟的 {SLOTS_KEPT.seconds // 3600} 小时",
            f"One row for each bot and hour, {COUNTS_KEPT.days} days; those of 5 minutes {SLOTS_KEPT.seconds // 3600} hours",
        ),
        "events.CountedHour": Text(
            f"每小时一行；{MARKS_KEPT.days} 天", f"One row for each hour; {MARKS_KEPT.days} days"
        ),
        "auth_sessions.Answered": Text(f"{ANSWERED_KEPT.days} 天", f"{ANSWERED_KEPT.days} days"),
        "auth_sessions.OperatorAccount": Text("直到解除关联", "Until it is unlinked"),
        "auth_sessions.OperatorSignIn": Text("过期后一小时内删除", "Deleted within an hour of its end"),
        "auth_sessions.AgentAccess": _KEPT,
        "auth_sessions.AgentRegistration": Text(
            "未使用的一天后删除；其余随其智能体删除", "Unused ones a day; the others go with their agents"
        ),
        "auth_sessions.AgentConsent": Text("过期后一小时内删除", "Deleted within an hour of its end"),
        "auth_sessions.AgentToken": Text("过期后一小时内删除", "Deleted within an hour of its end"),
        "auth_sessions.ConnectedAgent": _days("FEISHU_AUTH_SESSION_DAYS", "结束后 ", " after it ended"),
        "auth_sessions.AuthSession": _days("FEISHU_AUTH_SESSION_DAYS", "结束后 ", " after it ended"),
        "auth_sessions.Campaign": Text(
            f"结束后 `FEISHU_CAMPAIGN_DAYS` 天；未发送的 {DRAFTS_KEPT.days} 天",
            f"`FEISHU_CAMPAIGN_DAYS` days after it ended; {DRAFTS_KEPT.days} days if it was never sent",
        ),
        "auth_sessions.CampaignMember": Text(
            "随授权活动删除；每个活动至多 5,000 人", "Goes with its campaign; 5,000 of one at most"
        ),
        "auth_sessions.DeviceConsent": Text("随授权请求删除", "Goes with its session"),
        "auth_sessions.UserToken": Text(
            "每人、每个机器人一行；撤销后令牌清空，该行随机器人删除",
            "One row for each person and bot; its tokens are destroyed when it is revoked, the row goes with the bot",
        ),
        "auth_sessions.RefreshAttempt": _days(
            "FEISHU_REFRESH_ATTEMPT_DAYS",
            "可能已使用过的刷新令牌的记录及每个授权的最后一条保留；其余 ",
            "; those of a refresh token that may be used up, and the last one of each grant, stay",
        ),
        "auth_sessions.RefreshGate": _OF_BOT,
        "auth_sessions.Revocation": _days(
            "FEISHU_REVOCATION_DAYS",
            "未完成的及每个授权的最后一条保留；其余 ",
            "; those that are not done, and the last one of each grant, stay",
        ),
        "auth_sessions.SelfServiceLink": Text(
            f"失效后 {LINKS_KEPT.days} 天", f"{LINKS_KEPT.days} day after it ended"
        ),
        "auth_sessions.TokenUse": _days("FEISHU_TOKEN_USE_DAYS"),
        "approvals.CallApproval": _days(
            "FEISHU_APPROVAL_DAYS",
            "调用内容在结束时删除，应答保留 1 小时；记录保留 ",
            "; the call itself until it has ended, its answer for an hour",
        ),
        "greetings.Greeting": _KEPT,
        "greetings.Greeted": Text(f"{GREETED_KEPT.days} 天", f"{GREETED_KEPT.days} days"),
        "alerts.AlertReceiver": _KEPT,
        "alerts.AlertGroup": Text(
            f"最后一次收到后 {GROUPS_KEPT.days} 天",
            f"{GROUPS_KEPT.days} days after it was last heard of",
        ),
    }


def documents() -> dict[Path, str]:
    """The pages as they should be, by their paths. Django has to be set up."""
    return pages("reference/data-model", "models", _content)


def models_of(app: str) -> list["type[Model]"]:
    """The models of an app that have a table of their own, by name."""
    from django.apps import apps  # noqa: PLC0415 -- needs Django

    found = (model for model in apps.get_app_config(app).get_models() if not model._meta.proxy)
    return sorted(found, key=lambda model: model.__name__)


def _content(language: str) -> str:
    return "\n".join(
        f"## {title.in_language(language)}\n\n{_diagram(app)}\n{_table(app, language)}\n{_all_columns(app, language)}"
        for app, title in APPS.items()
    )


def _diagram(app: str) -> str:
    """The relations of the app's models, and the columns that tell rows apart. Mermaid draws it."""
    models = models_of(app)
    lines = ["erDiagram"]
    for model in models:
        lines += [f"    {_name(model)} {{", *_columns(model), "    }"]
    for model in models:
        lines += _relations(model)
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def _name(model: "type[Model]") -> str:
    return model.__name__


def _columns(model: "type[Model]") -> Iterator[str]:
    """Keys, and what has to be unique; the others are in the tables."""
    for field in model._meta.concrete_fields:
        marks = ["PK"] if field.primary_key else []
        marks += ["FK"] if field.is_relation else []
        marks += ["UK"] if field.unique and not field.primary_key else []
        if marks:
            yield f"        {_kind(field)} {field.column} {', '.join(marks)}"


def _kind(field: "Field[Any, Any]") -> str:
    """A column's type in a word: that of the column it refers to, for a reference."""
    target = field
    while target.is_relation:
        target = target.target_field  # type: ignore[attr-defined]  # of relations
    return target.get_internal_type().removesuffix("Field").lower()


def _relations(model: "type[Model]") -> Iterator[str]:
    for field in model._meta.concrete_fields:
        if field.is_relation:
            yield _relation(model, field)
    for many in model._meta.local_many_to_many:
        yield f"    {_name(many.related_model)} }}o--o{{ {_name(model)} : {many.name}"


def _relation(model: "type[Model]", field: "Field[Any, Any]") -> str:
    one = "|o" if field.null else "||"
    many = "o|" if field.unique else "o{"
    target = cast("type[Model]", field.related_model)
    return f"    {_name(target)} {one}--{many} {_name(model)} : {field.name}"


def _table(app: str, language: str) -> str:
    from django.utils.translation import override  # noqa: PLC0415 -- needs Django

    texts = kept()
    rows = []
    with override(language):
        for model in models_of(app):
            label = model._meta.label
            if label not in texts:
                raise LookupError(f"{label}: say in kept() of {__name__} how long its rows stay.")
            rows.append(
                [
                    f"`{model._meta.db_table}`",
                    UNNAMED[label].in_language(language)
                    if label in UNNAMED
                    else str(model._meta.verbose_name),
                    " ".join(f"`{name}`" for name in _encrypted(model)),
                    texts[label].in_language(language),
                ]
            )
    return table([name.in_language(language) for name in _HEAD], rows)


def _all_columns(app: str, language: str) -> str:
    """A table of each model's columns, folded up. GitHub knows nothing of ``markdown``, and reads what is between empty lines."""
    from django.utils.translation import override  # noqa: PLC0415 -- needs Django

    with override(language):
        return "\n".join(
            f'<details markdown="1"><summary><code>{model._meta.db_table}</code></summary>\n\n'
            + table(
                [name.in_language(language) for name in _COLUMNS],
                [_column(field) for field in model._meta.concrete_fields],
            )
            + "\n</details>\n"
            for model in models_of(app)
        )


def _column(field: "Field[Any, Any]") -> list[str]:
    kind = _kind(field)
    if kind == "char" and field.max_length:
        kind = f"char({field.max_length})"
    if field.is_relation:
        kind += f" → `{cast('type[Model]', field.related_model)._meta.db_table}`"
    return [f"`{field.column}`", kind, "✓" if field.null else "", _meaning(field)]


def _meaning(field: "Field[Any, Any]") -> str:
    """Its name in the console and the help there, in the language that is on, without a name that is the column's again."""
    name = str(field.verbose_name)
    is_again = name.casefold() == field.name.replace("_", " ")
    said = " · ".join(part for part in ("" if is_again else name, str(field.help_text)) if part)
    return " ".join(said.replace("|", r"\|").split())


def _encrypted(model: "type[Model]") -> list[str]:
    from core.vault.fields import encrypted_fields  # noqa: PLC0415 -- needs Django

    return [field.attname for field in encrypted_fields(model)]


if __name__ == "__main__":
    write_with_django(documents)
