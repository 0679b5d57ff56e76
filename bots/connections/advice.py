"""What is wrong with a bot's long connections and what to do: one entry for each situation.

The console, the doctor, incidents and the REST API all take their words from here and from ``feishu.codes``.
"""

from typing import Final

from feishu.categories import Category
from feishu.codes import CodeInfo, explain
from feishu.errors import FeishuError
from feishu.text import Text

NO_ROOM: Final = "no_room"
"""The stored reason of a slot that no process has capacity for."""

ALL_PROCESSES_FULL: Final = CodeInfo(
    None,
    Category.CONFIGURATION,
    Text("没有进程能再容纳此连接", "No process has room for this connection"),
    Text(
        "请调高 FEISHU_MAX_CONNECTIONS，或再启动一个 runfeishu",
        "Raise FEISHU_MAX_CONNECTIONS or start another runfeishu",
    ),
)
NO_PROCESS: Final = CodeInfo(
    None,
    Category.CONFIGURATION,
    Text("没有正在运行的 runfeishu 进程", "No runfeishu process is running"),
    Text(
        "请启动一个：manage.py runfeishu；单机部署也可用 manage.py runportal 运行全部功能",
        "Start one: manage.py runfeishu, or manage.py runportal for everything on one machine",
    ),
)
NO_WORKER: Final = CodeInfo(
    None,
    Category.CONFIGURATION,
    Text("没有正在运行的 worker 进程", "No worker is running"),
    Text(
        "请启动一个：celery -A feishu_portal worker，并查看其日志。事件会继续保存，worker 恢复后处理",
        "Start one: celery -A feishu_portal worker, and look at its log. Events are stored meanwhile and handled then",
    ),
)
NO_REFRESHER: Final = CodeInfo(
    None,
    Category.CONFIGURATION,
    Text("没有正在运行的 refresher 进程", "No refresher is running"),
    Text(
        "请启动一个：celery -A feishu_portal worker -Q token_refresh --pool threads，并查看其日志。"
        "访问令牌约两小时后失效；刷新令牌过期后，用户须重新授权",
        "Start one: celery -A feishu_portal worker -Q token_refresh --pool threads, and look at its log. Access tokens end "
        "within two hours or so, and people have to authorize again once their refresh tokens have",
    ),
)
NO_SCHEDULER: Final = CodeInfo(
    None,
    Category.CONFIGURATION,
    Text("没有正在运行的调度器（celery beat）", "No scheduler (celery beat) is running"),
    Text(
        "请启动一个：celery -A feishu_portal beat，并查看其日志。在此之前不会刷新令牌，也不会检查异常、重试和到期事项",
        "Start one: celery -A feishu_portal beat, and look at its log. Until then no token is refreshed, and nobody looks for "
        "incidents, retries and what is due",
    ),
)
PROCESSES_CONFINED: Final = CodeInfo(
    None,
    Category.CONFIGURATION,
    Text("正在运行的进程只负责其他机器人", "The running processes are confined to other bots"),
    Text(
        "请启动一个不带 --bot 的 runfeishu 进程，或将此机器人的 App ID 加入 --bot",
        "Start a runfeishu process without --bot, or with this bot's App ID",
    ),
)
NOT_HELD: Final = CodeInfo(
    None,
    Category.CONFIGURATION,
    Text("没有进程持有此连接", "No process holds this connection"),
    Text(
        "请确认 manage.py runfeishu（或 runportal）正在运行，并查看其日志",
        "Make sure that manage.py runfeishu (or runportal) is running, and look at its log",
    ),
)
PASSIVE: Final = CodeInfo(
    None,
    Category.CONFIGURATION,
    Text("本门户处于被动模式，不建立连接", "The portal is passive and connects no bot"),
    Text(
        "原因与处理方法见控制台页面顶部的提示，或执行 manage.py adoptrestore --dry-run 查看",
        "The banner of the console says why and what to do, and so does manage.py adoptrestore --dry-run",
    ),
)
SILENT: Final = CodeInfo(
    None,
    Category.RETRY,
    Text(
        "连接仍在，但已太久没有收到任何数据",
        "The connection is open, but nothing has been received on it for too long",
    ),
    Text(
        "连接会自动重建；若反复出现，请检查门户与平台之间的网络",
        "It is replaced automatically; if this comes back, check the network between the portal and the platform",
    ),
)
RECONNECTING: Final = CodeInfo(
    None,
    Category.RETRY,
    Text("连接已断开，正在重新建立", "The connection was lost and is being made again"),
    Text(
        "若一分钟内恢复则无需处理；否则请检查门户与平台之间的网络",
        "Nothing, if it comes back within a minute; else check the network between the portal and the platform",
    ),
)


def clock_differs(offset: float) -> CodeInfo:
    """The platform's clock is ``offset`` seconds ahead of the machine's."""
    minutes = max(1, round(abs(offset) / 60))
    zh, en = ("慢", "behind") if offset > 0 else ("快", "ahead of")
    return CodeInfo(
        None,
        Category.CONFIGURATION,
        Text(
            f"本机时钟比平台{zh}约 {minutes} 分钟；判断事件是否过期时已校正，其他时间会显示错误",
            f"This machine's clock is about {minutes} min {en} the platform's. It is corrected for where events too old are "
            "told apart; other times are wrong",
        ),
        Text(
            "请用 NTP（chrony、systemd-timesyncd）同步本机时间；虚拟机或 WSL 在休眠后可能需要手动同步",
            "Set it by NTP (chrony, systemd-timesyncd); a virtual machine or WSL may need it by hand after a sleep",
        ),
    )


def foreign(*, online: int, held: int) -> CodeInfo:
    """The platform counts ``online`` connections of the app, of which the portal holds ``held``."""
    others = online - held
    return CodeInfo(
        None,
        Category.CONFIGURATION,
        Text(
            f"平台上该应用有 {online} 条长连接，门户只持有 {held} 条：其余 {others} 条会随机分走事件",
            f"The platform counts {online} connections of this app and the portal holds {held}: the other {others} "
            "take events away at random",
        ),
        Text(
            "请停止使用同一应用的其他程序（例如开发机、旧部署）；若找不到，可在开发者后台重置 App Secret 并在此填入新值，"
            "其他程序便无法再次连接",
            "Stop the other programs that use this app: a developer's machine, an old deployment. If none is to be "
            "found, reset the App Secret in the developer console and enter the new one here: nobody else can then "
            "connect again",
        ),
    )


def half_open(*, online: int, held: int) -> CodeInfo:
    """The platform counts ``online`` connections of the app, fewer than the ``held`` that the portal takes for open."""
    return CodeInfo(
        None,
        Category.RETRY,
        Text(
            f"门户记录了 {held} 条已连接的长连接，平台只看到 {online} 条：有连接已断而未被察觉",
            f"The portal takes {held} connections for open and the platform counts {online}: some are half open",
        ),
        Text(
            "半开的连接会自动重建，请几分钟后再检查；若没有恢复，请重启 runfeishu",
            "Half-open connections are replaced automatically: check again in a few minutes, and restart runfeishu if "
            "that did not help",
        ),
    )


def explain_error(code: int | None, reason: str) -> CodeInfo | None:
    """Why a slot's last attempt failed, by the platform's code or the stored reason; None where it did not fail."""
    if code is None and reason == NO_ROOM:
        return ALL_PROCESSES_FULL
    return explain(code, reason) if code is not None or reason else None


def words_of_platform(error: FeishuError) -> str:
    """What the platform itself said. Our own words are for the log: a page says the reason in its own language."""
    if error.code is not None:
        return str(error)
    # An answer with a good status that is no answer of the platform's: its status says nothing.
    return f"HTTP {error.http_status}" if (error.http_status or 0) >= 300 else ""
