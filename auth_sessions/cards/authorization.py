"""The authorization card, for each state of a session."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from auth_sessions.cards.scopes import bullets
from auth_sessions.cards.self_service import manage_button
from auth_sessions.enums import FailureReason, SessionState, Via
from auth_sessions.models import AuthSession
from feishu.cards import Template, button, card, escape, header, markdown
from feishu.codes import explain
from feishu.scopes import scope_text
from feishu.text import Text

RETRY_ACTION = "auth.retry"
DECLINE_ACTION = "auth.decline"
NEXT_CODE_ACTION = "auth.next_code"
TWO_HOURS = 120  # minutes; longer times are shown in hours

# template colour, title, body
_OUTCOMES: Mapping[SessionState, tuple[Template, Text, Text]] = {
    SessionState.DENIED: (
        "grey",
        Text("已拒绝授权", "Authorization declined"),
        Text("你拒绝了本次授权，没有保存任何信息。", "You declined. Nothing was stored."),
    ),
    SessionState.EXPIRED: (
        "grey",
        Text("授权请求已过期", "This request has expired"),
        Text("授权链接已失效，可以重新发起。", "The link no longer works. You can ask for a new one."),
    ),
    SessionState.CANCELLED: (
        "grey",
        Text("授权请求已取消", "This request was cancelled"),
        Text("发起方取消了本次授权请求。", "Whoever asked for the authorization withdrew the request."),
    ),
    SessionState.SUPERSEDED: (
        "grey",
        Text("无需处理此卡片", "Nothing to do here"),
        Text(
            "这个授权请求已由另一个请求取代，请以最新的卡片为准。",
            "Another request took this one's place. The newest card is the one that counts.",
        ),
    ),
}

_FAILURES: Mapping[str, Text] = {
    FailureReason.WRONG_PERSON: Text(
        "完成授权的不是你本人的账号，因此没有保存任何信息。请使用自己的飞书账号重新授权。",
        "Somebody else's account was used, so nothing was stored. Please authorize with your own account.",
    ),
    FailureReason.OTHER_BROWSER: Text(
        "授权结果回到了另一个浏览器，为安全起见没有保存任何信息。请在同一个浏览器中完成授权。",
        "The answer came back in another browser, so nothing was stored. Please finish in the browser you start in.",
    ),
    FailureReason.PLATFORM_ERROR: Text(
        "平台拒绝了本次授权，没有保存任何信息。",
        "The platform refused the authorization. Nothing was stored.",
    ),
    FailureReason.UNREACHABLE: Text(
        "暂时无法连接平台，没有保存任何信息，请稍后重试。",
        "The platform could not be reached. Nothing was stored; please try again later.",
    ),
    FailureReason.UNREADABLE: Text(
        "收到的应答无法识别，可能并非来自平台；没有保存任何信息，请稍后重试。",
        "The answer could not be read; perhaps it was not the platform that answered. Nothing was stored; please try again later.",
    ),
    FailureReason.CARD_NOT_SENT: Text("卡片发送失败。", "The card could not be sent."),
    FailureReason.INTERRUPTED: Text(
        "授权过程意外中断，没有保存任何信息，请重新授权。",
        "The authorization was interrupted and nothing was stored. Please authorize again.",
    ),
}


def authorization_card(session: AuthSession, *, link: str) -> dict[str, Any]:
    """The card for the session's state. ``link``: the address of its button while the session is open; empty: the device code
    has expired, and the button gets the next one."""
    if session.is_open:
        return _request(session, link) if link else _code_expired(session)
    if session.state == SessionState.FAILED:
        return _failure(session)
    if session.state == SessionState.AUTHORIZED:
        return _success(session)
    colour, title, body = _OUTCOMES[SessionState(session.state)]
    if session.added_scopes:
        body = Text(
            f"{body.zh_cn}已有的授权保持不变。", f"{body.en_us} What you allowed before stays as it is."
        )
    elements = [markdown(body)]
    if session.state in {SessionState.DENIED, SessionState.EXPIRED}:
        elements.append(_retry(session))
    return card(header=header(title, template=colour), elements=elements, summary=title)


def _request(session: AuthSession, link: str) -> dict[str, Any]:
    if session.added_scopes:
        return _request_for_more(session, link)
    title, why = _occasion(session)
    name = escape(session.bot.name)
    scopes = bullets([scope_text(scope) for scope in session.scopes])
    body = Text(
        f"{why.zh_cn}**{name}** 希望使用以下权限代表你访问飞书：\n{scopes.zh_cn}",
        f"{why.en_us}**{name}** asks to act for you within these permissions:\n{scopes.en_us}",
    )
    return card(
        header=header(title, template="blue"),
        elements=[
            markdown(body),
            *_purpose(session),
            markdown(_how_to_consent(session)),
            button(Text("去授权", "Authorize"), style="primary_filled", url=link),
            _decline(session),
        ],
        summary=title,
    )


def _request_for_more(session: AuthSession, link: str) -> dict[str, Any]:
    title = Text("需要补充授权", "More permissions are needed")
    name = escape(session.bot.name)
    scopes = bullets([scope_text(scope) for scope in session.added_scopes])
    body = Text(
        f"**{name}** 除你已授权的权限外，还需要：\n{scopes.zh_cn}",
        f"**{name}** asks for these permissions on top of what you have allowed:\n{scopes.en_us}",
    )
    safe = Text("如果拒绝，已有的授权保持不变。", "If you decline, what you have allowed stays as it is.")
    return card(
        header=header(title, template="blue"),
        elements=[
            markdown(body),
            *_purpose(session),
            markdown(_how_to_consent(session)),
            markdown(safe),
            button(Text("去授权", "Authorize"), style="primary_filled", url=link),
            _decline(session),
        ],
        summary=title,
    )


def _purpose(session: AuthSession) -> list[dict[str, Any]]:
    """What the authorization is for and who asks for it, as far as somebody said so."""
    lines = []
    if session.why:
        why = escape(session.why)
        lines.append(Text(f"用途：{why}", f"Purpose: {why}"))
    if session.client is not None:
        client = escape(session.client.name)
        lines.append(Text(f"由 {client} 申请", f"Requested by {client}"))
    elif session.operator_id is not None:
        lines.append(Text("由管理员申请", "Requested by an administrator"))
    if not lines:
        return []
    return [markdown(Text("\n".join(line.zh_cn for line in lines), "\n".join(line.en_us for line in lines)))]


def _occasion(session: AuthSession) -> tuple[Text, Text]:
    """Title and first sentence: a first authorization, or the renewal of one that ends."""
    if session.renews_until is None:
        return Text("需要你的授权", "Your authorization is needed"), Text("", "")
    until = timezone.localtime(session.renews_until)
    if session.renews_until <= session.created_at:
        return Text("你的授权已失效", "Your authorization has ended"), Text(
            "之前的授权已失效，需要你重新确认。\n",
            "What you authorized before is no longer valid and needs your confirmation again.\n",
        )
    return Text("你的授权即将到期", "Your authorization ends soon"), Text(
        f"你的授权将于{_day(until).zh_cn}到期，续期只需确认一次。\n",
        f"What you authorized before ends {_day(until).en_us}. Confirm once to renew it.\n",
    )


def _day(moment: datetime) -> Text:
    """On which day, and today at what time."""
    if moment.date() == timezone.localdate():
        return Text(f"今天 {moment:%H:%M} ", f"today at {moment:%H:%M}")
    return Text(f" {moment.month} 月 {moment.day} 日", f"on {moment:%B} {moment.day}")


def _duration(time: timedelta) -> Text:
    minutes = max(1, round(time.total_seconds() / 60))
    if minutes < TWO_HOURS:
        return Text(f"{minutes} 分钟", f"{minutes} minutes")
    return Text(f"{minutes // 60} 小时", f"{minutes // 60} hours")


def _how_to_consent(session: AuthSession) -> Text:
    if session.via == Via.DEVICE:
        code = escape(session.device.user_code)
        ends = session.device.expires_at or session.expires_at
        lasts = _duration(ends - timezone.now())
        return Text(
            f"点击按钮后在飞书页面中确认，验证码 **{code}**。链接 {lasts.zh_cn}内有效，且仅限本人使用。",
            f"The button opens a page of Feishu where you confirm; its code is **{code}**. "
            f"The link works for {lasts.en_us} and only for you.",
        )
    lasts = _duration(session.expires_at - session.created_at)
    return Text(
        f"点击按钮后将在浏览器中确认，链接 {lasts.zh_cn}内有效，且仅限本人使用。",
        f"The button opens a page where you confirm. The link works for {lasts.en_us} and only for you.",
    )


def _code_expired(session: AuthSession) -> dict[str, Any]:
    title = Text("需要你的授权", "Your authorization is needed")
    name = escape(session.bot.name)
    body = Text(
        f"**{name}** 的授权链接已失效，可以获取新的链接继续授权。",
        f"The link to authorize **{name}** no longer works. You can get a new one and go on.",
    )
    return card(
        header=header(title, template="blue"),
        elements=[
            markdown(body),
            button(
                Text("获取新链接", "Get a new link"),
                style="primary",
                name="next_code",
                value={"action": NEXT_CODE_ACTION, "session": str(session.pk)},
            ),
            _decline(session),
        ],
        summary=title,
    )


def _decline(session: AuthSession) -> dict[str, Any]:
    return button(
        Text("暂不授权", "Not now"),
        style="default",
        name="decline",
        value={"action": DECLINE_ACTION, "session": str(session.pk)},
    )


def _success(session: AuthSession) -> dict[str, Any]:
    title = Text("已授权", "Authorized")
    name = escape(session.bot.name)
    body = Text(
        f"授权成功。**{name}** 已可代表你访问飞书，无需其他操作。",
        f"You are all set: **{name}** can now act for you. There is nothing else to do.",
    )
    elements = [markdown(body), manage_button()]
    return card(header=header(title, template="green"), elements=elements, summary=title)


def _failure(session: AuthSession) -> dict[str, Any]:
    title = Text("授权未完成", "Authorization failed")
    elements = [markdown(_FAILURES[session.reason])]
    if session.error_code is not None:
        info, log_id = explain(session.error_code).for_one_attempt, escape(session.error_log_id) or "—"
        elements.append(
            markdown(
                Text(
                    f"错误码 {session.error_code}：{info.cause.zh_cn}\n{info.cure.zh_cn}\n日志 ID：{log_id}",
                    f"Code {session.error_code}: {info.cause.en_us}\n{info.cure.en_us}\nLog ID: {log_id}",
                )
            )
        )
    elif session.error_reason:
        info = explain(None, session.error_reason).for_one_attempt
        elements.append(
            markdown(
                Text(
                    f"{info.cause.zh_cn}\n{info.cure.zh_cn}",
                    f"{info.cause.en_us}\n{info.cure.en_us}",
                )
            )
        )
    elements.append(_retry(session))
    return card(header=header(title, template="red"), elements=elements, summary=title)


def _retry(session: AuthSession) -> dict[str, Any]:
    return button(
        Text("重新授权", "Try again"),
        style="primary",
        name="retry",
        value={"action": RETRY_ACTION, "session": str(session.pk)},
    )
