"""The page with the switches: what is broken on purpose for every app, and what is done once to open connections."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from feishu.text import Text
from sandbox.control.disturbances import Action, Disturbance, break_things, disturb
from sandbox.pages.routes import form_of, render
from sandbox.state import sandbox_of
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
    choices: tuple[Choice, ...]

    def value_of(self, faults: Faults) -> Any:
        value: Any = faults
        for name in self.path.split("."):
            value = getattr(value, name)
        return value

    def broken(self, choice: Choice) -> Any:
        """The value of the field for a choice, with its defaults filled in."""
        return self.value_of(msgspec.convert(_nested({self.path: choice.value}), Faults))

    def state(self, faults: Faults) -> str:
        """WORKS, KEPT, or the number of a choice."""
        value = self.value_of(faults)
        if value == self.value_of(Faults()):
            return WORKS
        numbers = (str(n) for n, choice in enumerate(self.choices) if self.broken(choice) == value)
        return next(numbers, KEPT)


def _part(path: str, zh: str, en: str, *choices: tuple[Any, str, str]) -> Part:
    return Part(path, Text(zh, en), tuple(Choice(value, Text(*words)) for value, *words in choices))


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
        (True, "每个事件推送两次", "each is pushed twice"),
    ),
    _part("delivery.shuffle", "推送顺序", "Order of events", (True, "乱序", "mixed up")),
    _part("delivery.chunks", "长连接帧的分片", "Pieces of a frame", (4, "分为 4 片", "four")),
    _part(
        "delivery.encoding",
        "长连接帧的压缩",
        "Compression of frames",
        ("gzip", "gzip", "gzip"),
        ("deflate", "deflate", "deflate"),
        ("not_gzip", "声称是 gzip，实际没有压缩", "said to be gzip, and plain"),
    ),
    _part(
        "delivery.break_off",
        "首次推送",
        "First attempt of a push",
        (True, "在帧或请求体的中途断开", "breaks off in its frame or body"),
    ),
    _part(
        "connection.silent",
        "长连接",
        "Long connections",
        (True, "半开：不再收发数据", "half open: nothing moves"),
    ),
    _part("connection.pongs", "心跳响应", "Pongs", (False, "不响应心跳", "none")),
    _part(
        "connection.closing",
        "关闭新的长连接",
        "Closing of new connections",
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
        ({"code": 1000040343, "msg": "internal error"}, "错误码 1000040343", "code 1000040343"),
        ({"code": 1000040350}, "错误码 1000040350：连接数超限", "code 1000040350: too many connections"),
        *_CUTS,
        *_FOREIGN,
    ),
    _part(
        "handshake",
        "长连接握手",
        "Handshake of a connection",
        ({"status": 403}, "403", "403"),
        ({"status": 514, "autherrcode": 1000040350}, "514，连接数超限", "514, too many connections"),
    ),
    _part(
        "token",
        "OAuth token 接口",
        "Token endpoint",
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
        ({"code": 99991400, "reset": 5}, "频率限制", "rate limit"),
        ({"code": 2200, "http_status": 500}, "内部错误", "internal error"),
        ({"latency": 10.0}, "延迟 10 秒", "ten seconds late"),
        *_CUTS,
        *_FOREIGN,
    ),
)


async def show(request: Request) -> Response:
    faults = sandbox_of(request).world.faults.of(None)
    return render(
        request,
        "faults.html",
        parts=[(part, part.state(faults)) for part in PARTS],
        actions=get_args(Action),
        error=request.query_params.get("error", ""),
    )


async def save(request: Request) -> Response:
    sandbox, form = sandbox_of(request), await form_of(request)
    now = msgspec.to_builtins(sandbox.world.faults.of(None))
    changes = {part.path: chosen for part in PARTS if (chosen := _chosen(part, form)) is not _UNCHANGED}
    break_things(sandbox, None, msgspec.convert(_nested(changes, now), Faults))
    return _back()


async def clear(request: Request) -> Response:
    sandbox_of(request).world.faults.clear()
    return _back()


async def disturb_once(request: Request) -> Response:
    form = await form_of(request)
    wish = {"action": form.get("action"), "close_reason": form.get("close_reason", "")}
    try:
        wished = msgspec.convert(
            wish | {"close_code": form.get("close_code") or 1001}, Disturbance, strict=False
        )
    except msgspec.ValidationError as error:
        return _back(str(error))
    await disturb(sandbox_of(request), wished)
    return _back()


_UNCHANGED: Final = object()


def _chosen(part: Part, form: Mapping[str, str]) -> Any:
    """The JSON that a form wants for a part."""
    wanted = form.get(part.path, KEPT)
    if wanted == WORKS:
        return msgspec.to_builtins(part.value_of(Faults()))
    if wanted.isdecimal() and int(wanted) < len(part.choices):
        return part.choices[int(wanted)].value
    return _UNCHANGED


def _nested(values: Mapping[str, Any], base: dict[str, Any] | None = None) -> dict[str, Any]:
    """`{"delivery.chunks": 4}` as `{"delivery": {"chunks": 4}}`, put into `base`."""
    whole: dict[str, Any] = base or {}
    for path, value in values.items():
        *parents, name = path.split(".")
        place = whole
        for parent in parents:
            place = place.setdefault(parent, {})
        place[name] = value
    return whole


def _back(error: str = "") -> Response:
    query = f"?{urlencode({'error': error})}" if error else ""
    return RedirectResponse(f"/sandbox/faults{query}", status_code=303)


def fault_routes() -> list[BaseRoute]:
    return [
        Route("/sandbox/faults", show, methods=["GET"]),
        Route("/sandbox/faults", save, methods=["POST"]),
        Route("/sandbox/faults/clear", clear, methods=["POST"]),
        Route("/sandbox/disturb", disturb_once, methods=["POST"]),
    ]
