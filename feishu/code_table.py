"""The platform's error codes, one row per meaning.

From the pages "Common error codes", "Get user_access_token", "Refresh user_access_token", "Get user info",
"Send message", "Update a message card", "Delay updating a message card" and "Rate limits"; the long
connection's codes from the official SDKs (`lark_oapi/ws/const.py`) and from reports in their issues.
"""

from typing import Final, TypeAlias

from feishu.categories import Category
from feishu.text import Text

Row: TypeAlias = tuple[tuple[int, ...], Category, Text, Text]
"""Codes that mean the same, the reaction they call for, cause and cure."""

UNKNOWN_CAUSE: Final = Text(
    "平台返回了未收录的错误", "The platform reported an error that is not in our table"
)
UNKNOWN_CURE: Final = Text(
    "请在开放平台文档中搜索错误码；联系飞书支持时请提供 log id",
    "Look the code up in the open platform's documentation; give the log id when you contact its support",
)

_TRY_LATER = Text("系统会自动重试，无需处理", "Nothing to do: it is retried automatically")
_SLOW_DOWN = Text(
    "系统会稍后重试；若经常出现，请降低调用频率", "It is retried later; if it happens often, call less often"
)
CHECK_SECRET = Text(
    "在开发者后台“凭证与基础信息”核对 App ID 与 App Secret，并更新机器人设置",
    "Compare App ID and App Secret with “Credentials & Basic Info” in the developer console and correct the bot",
)
_CHECK_APP = Text(
    "在开发者后台确认应用已发布、已启用并已安装到企业",
    "In the developer console, make sure the app is published, enabled and installed in the tenant",
)
_ASK_AGAIN = Text("请让用户重新授权", "Ask the user to authorize again")
_START_OVER = Text(
    "请用户从头重新打开授权链接", "Let the user open the authorization link again from the start"
)
_WIDEN_AVAILABILITY = Text(
    "在开发者后台“版本管理与发布”中把该用户加入应用的可用范围并发布",
    "Add the user to the app's availability range under “Version Management & Release” and publish",
)
_FIX_REQUEST = Text(
    "请求本身有误；请根据平台返回的说明修改调用方代码",
    "The request itself is wrong; correct the caller according to the platform's message",
)
_GRANT_SCOPE = Text(
    "在开发者后台“权限管理”中开通所列权限并发布版本",
    "Enable the scopes named in the message under “Permissions & Scopes” and publish a version",
)
_CHECK_REDIRECT = Text(
    "在开发者后台“安全设置”中登记与门户完全一致的重定向 URL",
    "Register exactly the portal's redirect URL under “Security Settings” in the developer console",
)
_CHECK_BRAND = Text(
    "检查机器人的平台设置：飞书应用用 feishu.cn，Lark 应用用 larksuite.com",
    "Check the bot's platform: feishu.cn for a Feishu app, larksuite.com for a Lark app",
)
_CHECK_ID = Text(
    "使用本应用取得的 ID；open_id 因应用而异，测试应用与正式应用也不同",
    "Use an id obtained by this very app; open_ids differ per app, and between a test app and its original",
)
_STOP_SENDING = Text("无法再向该用户发送；请停用相关任务", "Nothing can be sent to this user; stop doing so")
_NOTHING_TO_SAVE = Text(
    "对象已不存在，请改用新的消息或卡片", "The object is gone; send a new message or card"
)
_FIX_CARD = Text(
    "修改卡片内容；消息中的 ErrCode 指出了具体问题",
    "Correct the card; the ErrCode inside the message names what is wrong with it",
)
_ASK_ADMIN = Text("请联系企业管理员处理", "Ask the tenant's administrator")

ROWS: Final[tuple[Row, ...]] = (
    # Tokens of the app.
    (
        (10003, 10014, 10015, 99991543),
        Category.CONFIGURATION,
        Text(
            "App ID 或 App Secret 不正确，或应用已停用",
            "App ID or App Secret is wrong, or the app is disabled",
        ),
        CHECK_SECRET,
    ),
    (
        (10005, 10016, 99991662, 99991673),
        Category.CONFIGURATION,
        Text("应用未获授权、已停用或未安装", "The app is not authorized, is disabled, or is not installed"),
        _CHECK_APP,
    ),
    (
        (10012, 10013),
        Category.RETRY,
        Text("平台暂时无法签发应用凭证", "The platform could not issue the app's token"),
        _TRY_LATER,
    ),
    # Long connection: address and handshake.
    (
        (1, 1000040343),
        Category.RETRY,
        Text("平台繁忙或内部错误", "The platform is busy or failed inside"),
        _TRY_LATER,
    ),
    (
        (403,),
        Category.CONFIGURATION,
        Text("平台禁止该应用建立长连接", "The platform forbids this app a long connection"),
        Text(
            "确认是企业自建应用，已启用并发布，并在“事件与回调”中选择了长连接方式",
            "Make sure it is a custom app, enabled and published, and that “Events & Callbacks” is set to receive "
            "through a long connection",
        ),
    ),
    (
        (514, 1000040344, 1000040345, 1000040346),
        Category.CONFIGURATION,
        Text(
            "长连接鉴权失败：App ID 或 App Secret 不正确",
            "The long connection was refused: wrong App ID or App Secret",
        ),
        CHECK_SECRET,
    ),
    (
        (1000040350,),
        Category.CONNECTION_LIMIT,
        Text("该应用的长连接数量已达上限", "This app has reached its number of long connections"),
        Text(
            "关闭其他使用同一应用的程序（例如开发机），或减少机器人的连接数；旧连接失效后会自动恢复",
            "Stop other programs that use this app (a developer's machine, say) or lower the bot's slots; "
            "it recovers by itself once stale connections end",
        ),
    ),
    (
        (1000040351, 20046),
        Category.WRONG_BRAND,
        Text("域名与应用所属品牌不符", "The host does not belong to the app's brand"),
        _CHECK_BRAND,
    ),
    # Token endpoint and authorization page.
    (
        (20001, 20063, 20067, 20070),
        Category.BUG,
        Text("授权请求的参数缺失或格式错误", "The OAuth request lacks a parameter or is malformed"),
        _FIX_REQUEST,
    ),
    (
        (20002, 20048),
        Category.CONFIGURATION,
        Text("应用不存在或 App Secret 不正确", "The app does not exist or its App Secret is wrong"),
        CHECK_SECRET,
    ),
    (
        (20003, 20004, 20065),
        Category.REAUTHORIZE,
        Text(
            "授权码不存在、已过期（5 分钟）或已使用",
            "The code is unknown, older than 5 minutes, or already used",
        ),
        _START_OVER,
    ),
    (
        (20008, 20021, 20022, 20023, 20066),
        Category.USER_GONE,
        Text(
            "用户不存在、已离职、被冻结或未激活",
            "The user does not exist, has resigned, is frozen or never activated",
        ),
        Text(
            "确认该用户的状态；恢复后可重新授权",
            "Check the user's status; after it is restored, authorize again",
        ),
    ),
    (
        (20009, 20069),
        Category.CONFIGURATION,
        Text("应用未安装或未启用", "The app is not installed in the tenant or not enabled"),
        _CHECK_APP,
    ),
    (
        (20010,),
        Category.USER_GONE,
        Text("用户不在应用的可用范围内", "The user is outside the app's availability range"),
        _WIDEN_AVAILABILITY,
    ),
    (
        (20024,),
        Category.REAUTHORIZE,
        Text("授权码或 refresh_token 属于另一个应用", "The code or refresh token was issued to another app"),
        _ASK_AGAIN,
    ),
    (
        (20026, 20037, 20064, 20073, 99991669),
        Category.REAUTHORIZE,
        Text(
            "refresh_token 无效、已过期、已撤销或已使用",
            "The refresh token is invalid, expired, revoked or already used",
        ),
        _ASK_AGAIN,
    ),
    (
        (20027,),
        Category.CONFIGURATION,
        Text("请求的权限未在应用中开通", "A requested scope is not enabled for the app"),
        _GRANT_SCOPE,
    ),
    (
        (20028, 20035, 20038, 20042),
        Category.BUG,
        Text("旧版授权接口拒绝了请求", "An older authorization endpoint refused the request"),
        _FIX_REQUEST,
    ),
    (
        (20029, 20071),
        Category.CONFIGURATION,
        Text(
            "重定向 URL 未登记或前后不一致",
            "The redirect URL is not registered, or differs between the two steps",
        ),
        _CHECK_REDIRECT,
    ),
    (
        (20036,),
        Category.BUG,
        Text("不支持的 grant_type", "This grant_type is not supported"),
        _FIX_REQUEST,
    ),
    (
        (20049,),
        Category.REAUTHORIZE,
        Text(
            "PKCE 校验失败：授权不是在同一次流程中完成的",
            "The PKCE check failed: the flow was not finished where it began",
        ),
        _START_OVER,
    ),
    (
        (20050, 20072),
        Category.RETRY,
        Text("授权服务暂时不可用", "The authorization service is unavailable"),
        _TRY_LATER,
    ),
    (
        (20068,),
        Category.BUG,
        Text("请求了用户没有授予的权限", "A scope was requested that the user has not granted"),
        _FIX_REQUEST,
    ),
    (
        (20074,),
        Category.CONFIGURATION,
        Text("应用没有刷新 user_access_token 的开关", "The app may not refresh user_access_tokens"),
        Text(
            "在开发者后台“安全设置”中打开“刷新 user_access_token”并发布版本",
            "Switch on “Refresh user_access_token” under “Security Settings” and publish a version",
        ),
    ),
    (
        (21000, 21001),
        Category.PERMISSION,
        Text(
            "企业安全策略要求验证或拒绝了访问",
            "The tenant's security policy demands a check or denied access",
        ),
        Text(
            "请用户按提示完成验证，或联系企业管理员",
            "Let the user complete the check, or ask the administrator",
        ),
    ),
    # Messages and cards.
    (
        (
            230001,
            230015,
            230017,
            230018,
            230019,
            230034,
            230038,
            230054,
            230055,
            230071,
            230072,
            230075,
            230111,
        ),
        Category.BUG,
        Text(
            "消息请求的参数、接收者或消息类型不合法", "Parameter, recipient or message type is not acceptable"
        ),
        _FIX_REQUEST,
    ),
    (
        (230002,),
        Category.CONFIGURATION,
        Text("机器人不在该群中", "The bot is not a member of the group"),
        Text("把机器人加入该群", "Add the bot to the group"),
    ),
    (
        (230006, 11205),
        Category.CONFIGURATION,
        Text("应用未启用机器人能力", "The app's bot capability is off"),
        Text(
            "在开发者后台“添加应用能力”中启用机器人并发布版本",
            "Enable the bot under “Add Features” and publish a version",
        ),
    ),
    (
        (230013,),
        Category.USER_GONE,
        Text("用户不在机器人的可用范围内", "The user is outside the bot's availability range"),
        _WIDEN_AVAILABILITY,
    ),
    (
        (230020,),
        Category.RATE_LIMIT,
        Text("向该用户、群或消息发送过于频繁", "Too many requests for this user, group or message"),
        _SLOW_DOWN,
    ),
    (
        (230022, 230028),
        Category.TERMINAL,
        Text("内容未通过安全或数据防泄漏审核", "The content was blocked by a content or data-loss check"),
        Text("修改内容后再发送", "Change the content before sending it again"),
    ),
    (
        (230025,),
        Category.BUG,
        Text("内容过长", "The content is too long"),
        Text("缩短内容：文本 150 KB，卡片 30 KB", "Shorten it: 150 KB for text, 30 KB for a card"),
    ),
    (
        (230027,),
        Category.PERMISSION,
        Text(
            "缺少权限，或该会话、用户属于其他企业，而此接口或此身份不支持跨企业",
            "A right is missing, or the chat or person belongs to another tenant, where this API or identity cannot act",
        ),
        Text(
            "对方属于其他企业时，在开发者后台开启“对外共享”并发布版本，或改用支持跨企业的接口；否则开通平台说明中所列的权限",
            "For an external chat or person, switch on external sharing in the developer console and publish a version, or use "
            "an API that works across tenants; else enable the scopes that the platform's message names",
        ),
    ),
    (
        (230035,),
        Category.PERMISSION,
        Text(
            "不能向该会话发送：群设置不允许，或会话是外部群而应用未对外共享",
            "Sending to this chat is not allowed: by the group's settings, or because it is external and the app is not shared",
        ),
        Text(
            "请群主允许机器人发言；外部群需在开发者后台开启“对外共享”、发布版本并把机器人加入该群",
            "Let the group's owner allow the bot to speak; for an external group, switch on external sharing in the developer "
            "console, publish a version and add the bot to the group",
        ),
    ),
    (
        (230050,),
        Category.PERMISSION,
        Text(
            "该消息对机器人不可见，例如属于其他企业或机器人入群前的消息",
            "The bot cannot see this message: it belongs to another tenant, or was sent before the bot joined",
        ),
        Text(
            "只操作机器人可见的消息；外部群需开启“对外共享”并发布版本，其他企业的历史消息无法操作",
            "Act on messages that the bot can see; an external chat takes external sharing and a published version, and messages "
            "of another tenant from before cannot be had",
        ),
    ),
    (
        (232014,),
        Category.PERMISSION,
        Text(
            "该群属于其他企业或为外部群，机器人不能这样操作",
            "The chat is external or another tenant's, and the bot cannot do this there",
        ),
        Text(
            "在开发者后台开启“对外共享”并发布版本；仅限本企业的群操作请用本企业的群，或由该企业的应用执行",
            "Switch on external sharing in the developer console and publish a version; what is possible in a tenant's own "
            "groups alone has to be done there, or by an app of that tenant",
        ),
    ),
    (
        (99992364,),
        Category.BUG,
        Text("该 user_id 属于其他企业", "The user_id belongs to another tenant"),
        Text(
            "user_id 只在本企业内有效：请改用 open_id 或 union_id，或对方企业内的应用",
            "A user_id is valid in its own tenant alone: use the open_id or union_id, or an app of that tenant",
        ),
    ),
    (
        (99992361,),
        Category.BUG,
        Text("该 open_id 属于其他应用", "The open_id belongs to another app"),
        Text(
            "open_id 只在产生它的应用内有效：请改用本应用的 open_id，或 union_id、user_id、邮箱",
            "An open_id is valid in the app that it came from alone: use this app's, or a union_id, user_id or e-mail address",
        ),
    ),
    (
        (230029, 230053),
        Category.USER_GONE,
        Text("用户已离职或拒收机器人消息", "The user resigned or stopped the bot's messages"),
        _STOP_SENDING,
    ),
    (
        (230011, 230110, 232009, 200000),
        Category.TERMINAL,
        Text(
            "消息已撤回或删除，或群已解散", "The message was recalled or deleted, or the chat was dissolved"
        ),
        _NOTHING_TO_SAVE,
    ),
    (
        (230031,),
        Category.TERMINAL,
        Text(
            "卡片发送已超过 14 天，不能再更新",
            "The card is older than 14 days and cannot be updated any more",
        ),
        _NOTHING_TO_SAVE,
    ),
    (
        (230036,),
        Category.CONFIGURATION,
        Text("企业的加密密钥已删除", "The tenant's encryption key has been deleted"),
        _ASK_ADMIN,
    ),
    ((230049,), Category.RETRY, Text("消息正在发送中", "The message is still being sent"), _TRY_LATER),
    (
        (230099, 11311, 10002, 100000, 100030, 200320, 200830, 300090),
        Category.BUG,
        Text("卡片内容不合法", "The card is not acceptable"),
        _FIX_CARD,
    ),
    # Card entities: pages "Stream update text", "Update card entity settings" and "Add components".
    (
        (200740, 200750),
        Category.TERMINAL,
        Text("卡片实体不存在或已过期（有效期 14 天）", "The card entity is gone: it lives 14 days"),
        _NOTHING_TO_SAVE,
    ),
    (
        (200810, 300120),
        Category.RETRY,
        Text("卡片正在被点击，或平台暂时繁忙", "Somebody is clicking on the card, or the platform is busy"),
        _TRY_LATER,
    ),
    (
        (200510, 200850, 300309),
        Category.BUG,
        Text(
            "卡片的流式更新模式已关闭（10 分钟后自动关闭）",
            "Streaming into the card is over; the platform ends it after ten minutes",
        ),
        Text(
            "调用更新卡片配置，将 streaming_mode 设为 true",
            "Switch streaming_mode on again with the card's settings",
        ),
    ),
    (
        (200860,),
        Category.BUG,
        Text("卡片超过 30 KB", "The card has more than 30 KB"),
        Text("缩短内容或另发一张卡片", "Shorten it, or go on on another card"),
    ),
    (
        (200770, 300317),
        Category.BUG,
        Text(
            "对该卡片的调用乱序或重复：sequence 未递增，或 uuid 已使用",
            "The calls about the card are out of order or doubled: sequence did not grow, or a uuid was used twice",
        ),
        Text(
            "同一张卡片只由一处写入，sequence 逐次递增",
            "Let one program write on a card, with a sequence that grows with each call",
        ),
    ),
    (
        (300311,),
        Category.BUG,
        Text("卡片实体属于其他应用", "The card entity belongs to another app"),
        _FIX_REQUEST,
    ),
    (
        (300301, 300302, 300303, 300305, 300307, 300310, 300313, 300315),
        Category.BUG,
        Text("卡片内容不合法", "The card is not acceptable"),
        _FIX_CARD,
    ),
    (
        (200310,),
        Category.BUG,
        Text("不能更新其他应用的卡片", "The card belongs to another app"),
        _FIX_REQUEST,
    ),
    (
        (300020, 300030, 300040),
        Category.TERMINAL,
        Text(
            "卡片回调凭证无效、超过 30 分钟或已用完 2 次",
            "The card token is malformed, older than 30 minutes, or used twice",
        ),
        _NOTHING_TO_SAVE,
    ),
    # aPaaS: the workspaces' APIs, and those of apps and seats.
    (
        (2320001, 2320006),
        Category.BUG,
        Text("aPaaS 接口的参数不正确", "A parameter of the aPaaS call is wrong"),
        _FIX_REQUEST,
    ),
    ((2320002,), Category.RETRY, Text("aPaaS 内部错误", "Internal error of aPaaS"), _TRY_LATER),
    (
        (2320003,),
        Category.CONFIGURATION,
        Text("该企业没有开通 aPaaS", "The tenant does not use aPaaS"),
        Text("请企业管理员开通 aPaaS", "Let an administrator of the tenant set aPaaS up"),
    ),
    (
        (2320004,),
        Category.USER_GONE,
        Text("aPaaS 中没有该用户", "aPaaS does not know this user"),
        Text("请 aPaaS 应用管理员添加该用户", "Let an administrator of the aPaaS app add the user"),
    ),
    (
        (2320005,),
        Category.PERMISSION,
        Text("用户在 aPaaS 中的数据权限不足", "The user lacks rights to the data in aPaaS"),
        Text("请 aPaaS 应用管理员授予数据权限", "Let an administrator of the aPaaS app grant them"),
    ),
    # The gateway in front of every API.
    (
        (99991400, 11232, 11233, 11247, 1000004, 1000005),
        Category.RATE_LIMIT,
        Text("调用过于频繁", "Too many calls"),
        _SLOW_DOWN,
    ),
    (
        (99991403,),
        Category.CONFIGURATION,
        Text("本月 API 调用额度已用完", "This month's API quota is used up"),
        Text("等待下月或升级套餐", "Wait for next month or upgrade the plan"),
    ),
    (
        (99991401,),
        Category.CONFIGURATION,
        Text("服务器 IP 不在应用的 IP 白名单中", "This server's IP is not in the app's allow-list"),
        Text(
            "在开发者后台“安全设置”的 IP 白名单中加入服务器出口 IP",
            "Add this server's outgoing IP under “Security Settings”",
        ),
    ),
    (
        (99991661, 99991671),
        Category.BUG,
        Text(
            "请求没有携带访问凭证，或凭证格式错误", "The request carried no access token, or a malformed one"
        ),
        _FIX_REQUEST,
    ),
    (
        (99991663, 99991664, 20013, 20014),
        Category.RETRY,
        Text(
            "应用凭证已失效，或该接口不支持应用身份",
            "The app's token was rejected, or this API does not accept the app's identity",
        ),
        Text(
            "凭证会自动更新并重试一次；若仍失败，请改用 user_access_token",
            "The token is renewed and the call repeated once; if it still fails, call with a user_access_token",
        ),
    ),
    (
        (99991665,),
        Category.CONFIGURATION,
        Text("企业标识无效", "The tenant is not valid for this app"),
        _CHECK_APP,
    ),
    (
        (99991668, 99991677, 20005, 20006),
        Category.REAUTHORIZE,
        Text(
            "user_access_token 已失效，或该接口不支持用户身份",
            "The user_access_token was rejected, or this API does not accept a user's identity",
        ),
        Text(
            "凭证会自动刷新；若仍失败，请让用户重新授权",
            "The token is refreshed; if it still fails, ask the user to authorize again",
        ),
    ),
    (
        (99991672,),
        Category.PERMISSION,
        Text("应用未开通所需权限", "The app lacks a scope"),
        _GRANT_SCOPE,
    ),
    (
        (99991679,),
        Category.REAUTHORIZE,
        Text("用户没有授予所需权限", "The user has not granted a scope that this call needs"),
        Text(
            "请带上所列权限让用户重新授权",
            "Ask the user to authorize again with the scopes named in the message",
        ),
    ),
    (
        (99991676,),
        Category.PERMISSION,
        Text("该凭证没有访问权限", "The token does not carry the right to do this"),
        _GRANT_SCOPE,
    ),
    (
        (99991674, 99991675),
        Category.BUG,
        Text("用户类型不受支持或用户 ID 错误", "This kind of user is not supported, or the user id is wrong"),
        _CHECK_ID,
    ),
    (
        (99991201, 99991301, 99992402),
        Category.BUG,
        Text("接口路径、方法或字段不正确", "Path, method or a field of the request is wrong"),
        _FIX_REQUEST,
    ),
    (
        tuple(code for code in range(99992351, 99992382) if code not in {99992361, 99992364}),
        Category.BUG,
        Text("ID 不存在，或属于其他应用或企业", "The id does not exist, or belongs to another app or tenant"),
        _CHECK_ID,
    ),
)
