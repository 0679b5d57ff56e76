"""Faults as switches: what can be broken, in words, and the states that a page offers for it."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request

from feishu.text import Text
from sandbox.config import AppId
from sandbox.control.disturbances import break_things
from sandbox.control.endpoint import ControlRoute, command, question
from sandbox.errors import ControlError
from sandbox.state import Sandbox
from sandbox.world.faults import Faults

WORKS: Final = "works"
KEPT: Final = "kept"
"""What was set through the control API and is none of the choices stays as it is."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A way in which a part can fail. `value`: the JSON of the control API."""

    value: Any
    text: Text


@dataclass(frozen=True, slots=True)
class Part:
    """Something that can fail. `path`: its field in `Faults`, "delivery.encoding"."""

    path: str
    text: Text
    hint: Text
    choices: tuple[Choice, ...]

    def value_of(self, faults: Faults) -> Any:
        value: Any = faults
        for name in self.path.split("."):
            value = getattr(value, name)
        return value

    def broken(self, choice: Choice) -> Any:
        """The value of the field for a choice, with its defaults filled in."""
        return self.value_of(self.in_place(choice.value, {}))

    def in_place(self, value: Any, base: dict[str, Any]) -> Faults:
        """The faults of `base`, their JSON, with this part changed."""
        *parents, name = self.path.split(".")
        place = base
        for parent in parents:
            place = place.setdefault(parent, {})
        place[name] = value
        return msgspec.convert(base, Faults)

    def state(self, faults: Faults) -> str:
        """WORKS, KEPT, or the number of a choice."""
        value = self.value_of(faults)
        if value == self.value_of(Faults()):
            return WORKS
        numbers = (str(n) for n, choice in enumerate(self.choices) if self.broken(choice) == value)
        return next(numbers, KEPT)


def _part(path: str, zh: str, en: str, hint: Text, *choices: tuple[Any, str, str]) -> Part:
    return Part(path, Text(zh, en), hint, tuple(Choice(value, Text(*words)) for value, *words in choices))


_CUTS: Final = (
    ({"drop": "before"}, "不处理请求，直接断开", "cut before anything was done"),
    ({"drop": "after"}, "处理请求后断开，响应丢失", "cut after it was done, the answer is lost"),
    ({"drop": "middle"}, "响应体在中途断开", "the body of the answer ends half way"),
)
_FOREIGN: Final = (
    ({"answer": "html"}, "返回网关的 502 页面", "a gateway's 502 page"),
    ({"answer": "sign_in"}, "返回代理的登录页面", "a proxy's sign-in page"),
    ({"answer": "redirect"}, "重定向到其他地址", "a redirect"),
    ({"answer": "gbk"}, "响应使用 GBK 编码", "the answer in GBK"),
    ({"answer": "string_numbers"}, "数字以字符串返回", "numbers as strings"),
)
PARTS: Final = (
    _part(
        "delivery.duplicate",
        "推送次数",
        "Pushes of an event",
        Text(
            "平台可能重复推送同一事件；应用应按 event_id 去重",
            "The platform may push an event twice; an app drops the second by its event_id",
        ),
        (True, "每个事件推送两次", "each is pushed twice"),
    ),
    _part(
        "delivery.shuffle",
        "推送顺序",
        "Order of events",
        Text("同一连接上等待发送的事件按随机顺序发出", "What waits for a connection is sent in random order"),
        (True, "乱序", "mixed up"),
    ),
    _part(
        "delivery.chunks",
        "长连接帧的分片",
        "Pieces of a frame",
        Text("一个事件拆成多帧，客户端需要拼接", "An event comes in several frames, which the client joins"),
        (4, "分为 4 片", "four"),
    ),
    _part(
        "delivery.encoding",
        "长连接帧的压缩",
        "Compression of frames",
        Text("事件内容压缩后放入帧中", "The payload inside a frame is compressed"),
        ("gzip", "gzip", "gzip"),
        ("deflate", "deflate", "deflate"),
        ("not_gzip", "声称是 gzip，实际没有压缩", "said to be gzip, and plain"),
    ),
    _part(
        "delivery.break_off",
        "首次推送",
        "First attempt of a push",
        Text(
            "首次推送中途断开，平台随后重新推送",
            "The first attempt breaks off, and the platform pushes again",
        ),
        (True, "在帧或请求体的中途断开", "breaks off in its frame or body"),
    ),
    _part(
        "connection.silent",
        "长连接",
        "Long connections",
        Text(
            "连接看似正常，实际不再收发任何数据", "The connection looks alive, and nothing moves through it"
        ),
        (True, "半开：不再收发数据", "half open: nothing moves"),
    ),
    _part(
        "connection.pongs",
        "心跳响应",
        "Pongs",
        Text("客户端发出的 ping 得不到 pong", "Pings of the client get no pong"),
        (False, "不响应心跳", "none"),
    ),
    _part(
        "connection.closing",
        "关闭新的长连接",
        "Closing of new connections",
        Text("新建立的长连接不久后被平台关闭", "The platform closes each new connection soon"),
        ({"code": 1011, "reason": "internal error", "after": 5}, "5 秒后，1011", "after 5 s with 1011"),
        ({"code": 1008, "reason": "policy violation", "after": 5}, "5 秒后，1008", "after 5 s with 1008"),
        (
            {"code": 1006, "after": 5},
            "5 秒后，1006（违反协议）",
            "after 5 s with 1006, which breaks the protocol",
        ),
    ),
    _part(
        "discovery",
        "获取长连接地址",
        "The gateway's address",
        Text("客户端建立长连接前获取地址的接口出错", "The call that gives a client its gateway fails"),
        ({"code": 1000040343, "msg": "internal error"}, "错误码 1000040343", "code 1000040343"),
        ({"code": 1000040350}, "错误码 1000040350：连接数超限", "code 1000040350: too many connections"),
        *_CUTS,
        *_FOREIGN,
    ),
    _part(
        "handshake",
        "长连接握手",
        "Handshake of a connection",
        Text("WebSocket 握手被拒绝", "The WebSocket upgrade is refused"),
        ({"status": 403}, "403", "403"),
        ({"status": 514, "autherrcode": 1000040350}, "514，连接数超限", "514, too many connections"),
    ),
    _part(
        "token",
        "OAuth token 接口",
        "Token endpoint",
        Text(
            "获取与刷新 user_access_token 的接口出错",
            "The calls that issue and refresh user_access_token fail",
        ),
        ({"code": 20050, "http_status": 500}, "错误码 20050", "code 20050"),
        ({"code": 20072, "http_status": 503}, "错误码 20072", "code 20072"),
        *_CUTS,
        *_FOREIGN,
        ({"answer": "no_refresh_token"}, "不返回新的 refresh_token", "no new refresh_token"),
        ({"answer": "no_scope"}, "不返回 scope", "no scope"),
    ),
    _part(
        "openapi",
        "其他 OpenAPI",
        "Other APIs",
        Text("其他所有 OpenAPI 出错，例如发送消息", "All other calls fail, sending a message for one"),
        ({"code": 99991400, "reset": 5}, "频率限制", "rate limit"),
        ({"code": 2200, "http_status": 500}, "内部错误", "internal error"),
        ({"latency": 10.0}, "延迟 10 秒", "ten seconds late"),
        *_CUTS,
        *_FOREIGN,
    ),
)


class Switch(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which part of the table, and the number of the choice; null mends it. `app_id` limits it to an app."""

    path: str
    choice: Annotated[int, Meta(ge=0)] | None = None
    app_id: AppId | None = None


async def list_switches(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    """`{"parts"}`: what can be broken, with texts in both languages, and the state for an app, or for all."""
    faults = sandbox.world.faults.of(request.query_params.get("app_id"))
    return {
        "parts": [
            {
                "path": part.path,
                "text": part.text.i18n(),
                "hint": part.hint.i18n(),
                "state": part.state(faults),
                "choices": [choice.text.i18n() for choice in part.choices],
            }
            for part in PARTS
        ]
    }


async def turn_switch(sandbox: Sandbox, wanted: Switch) -> dict[str, Any]:
    """Break or mend one part; all other faults stay as they are. `{"state"}`: of the part."""
    part = next((part for part in PARTS if part.path == wanted.path), None)
    if part is None or (wanted.choice is not None and wanted.choice >= len(part.choices)):
        raise ControlError("there is no such switch", status=404)
    value = part.value_of(Faults()) if wanted.choice is None else part.choices[wanted.choice].value
    faults = part.in_place(
        msgspec.to_builtins(value), msgspec.to_builtins(sandbox.world.faults.of(wanted.app_id))
    )
    break_things(sandbox, wanted.app_id, faults)
    return {"state": part.state(faults)}


def routes() -> list[ControlRoute]:
    return [
        question("switches", list_switches, query=["app_id"]),
        command("switches", Switch, turn_switch),
    ]
