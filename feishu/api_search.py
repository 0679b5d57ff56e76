"""Finding an API of the platform by words, and its parameters, from the source of the official SDK.

The SDK is read and not imported: imported it takes more memory than the rest of a process.
"""

import ast
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from feishu.api_list import Api, apis

MAX_DEPTH: Final = 3
"""Of objects within a body that are written out."""
MAX_FIELDS: Final = 80
"""Of one body."""
_METHOD: Final = re.compile(r"http_method = (?:\(\s*)?HttpMethod\.(\w+)")
_URI: Final = re.compile(r'\.uri = (?:\(\s*)?"([^"]+)"')
_WORD: Final = re.compile(r"[a-z0-9]+|[\u4e00-\u9fff]+")
_ALIKE: Final[Mapping[str, tuple[str, ...]]] = {
    "base": ("bitable",), "chat": ("im",), "document": ("docx", "doc"), "doc": ("docx",), "email": ("mail",),
    "employee": ("user", "corehr"), "find": ("search",), "folder": ("drive", "file"), "group": ("chat",),
    "person": ("user", "contact"), "people": ("user", "contact"), "meeting": ("vc",), "spreadsheet": ("sheet",),
    "message": ("im",), "todo": ("task",), "room": ("vc",),
    "日历": ("calendar",), "日程": ("calendar", "event"), "任务": ("task",), "文档": ("docx",), "表格": ("sheet",),
    "多维表格": ("bitable",), "知识库": ("wiki",), "云空间": ("drive",), "消息": ("im", "message"), "群": ("chat",), "会议": ("vc", "meeting"),
    "审批": ("approval",), "通讯录": ("contact",), "用户": ("user",), "部门": ("department",), "邮箱": ("mail",), "考勤": ("attendance",),
    "招聘": ("hire",), "妙记": ("minutes",), "绩效": ("performance",),
}  # fmt: skip
"""What is looked for beside a word."""
_NO_WORDS: Final = frozenset({"a", "an", "the", "of", "to", "in", "for", "get", "list", "read", "show"})
_VERBS: Final[Mapping[str, str]] = {
    "create": "POST", "add": "POST", "send": "POST", "update": "PATCH", "change": "PATCH", "edit": "PATCH", "delete": "DELETE",
    "remove": "DELETE", "get": "GET", "list": "GET", "read": "GET", "show": "GET",
}  # fmt: skip
_VERB_WEIGHT: Final = 1.5
"""Of a verb in the path or in the method: what is acted on says more."""


def find(words: str, *, limit: int, among: Callable[[Api], bool]) -> list[Api]:
    """At most ``limit`` of the APIs that have the words in their path, best first."""
    said = _WORD.findall(words.lower())
    wanted = {alike for word in said for alike in (_stem(word), *_ALIKE.get(word, ()))} - _NO_WORDS
    methods = {_VERBS[word] for word in said if word in _VERBS}
    rarity = _rarity()
    scores: dict[Api, float] = {}
    for api in apis():
        score = sum(_VERB_WEIGHT if word in _VERBS else rarity[word] for word in wanted & _words_of(api))
        if score and among(api):
            # Of APIs with the same words the one with fewer others is meant, and of these the newer version.
            scores[api] = score + (_VERB_WEIGHT if api.method in methods else 0) - 0.05 * len(_words_of(api))
    return sorted(scores, key=lambda api: (-scores[api], len(api.path), api.path))[:limit]


@cache
def _words_of(api: Api) -> frozenset[str]:
    path = api.path.removeprefix("/open-apis/")
    return frozenset(_stem(word) for word in _WORD.findall(path.replace("_", " ").lower()))


@cache
def _rarity() -> Mapping[str, float]:
    counts = Counter(word for api in apis() for word in _words_of(api))
    return {word: math.log(len(apis()) / count) for word, count in counts.items()}


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def described(api: Api) -> dict[str, Any]:
    """``query`` and ``body`` of an API: names with their types, as far as the SDK knows them; reads files."""
    path = _requests().get((api.method, api.path))
    if path is None:
        return {}
    source = path.read_text(encoding="utf-8")
    attributes = _attributes(path)
    query = set(re.findall(r'add_query\(\s*"(\w+)"', source))
    found: dict[str, Any] = {"query": {name: kind for name, kind in attributes.items() if name in query}}
    if body := attributes.get("request_body"):
        found["body"] = _body(path.parent, body, [MAX_FIELDS], MAX_DEPTH)
    return {name: fields for name, fields in found.items() if fields}


def _body(folder: Path, kind: str, left: list[int], depth: int) -> Any:
    """The fields of a class of the SDK with their types; those that are objects themselves written out."""
    bare = kind.removeprefix("List[").removesuffix("]")
    path = folder / f"{_file_of(bare)}.py"
    if depth == 0 or left[0] <= 0 or not path.is_file():
        return kind
    fields = _attributes(path)
    left[0] -= len(fields)
    written = {name: _body(folder, one, left, depth - 1) for name, one in fields.items()}
    return [written] if bare != kind else written


@cache
def _requests() -> Mapping[tuple[str, str], Path]:
    """The SDK's files of requests, by method and path: some 1,700 small files, read once."""
    spec = find_spec("lark_oapi")
    if spec is None or spec.origin is None:
        return {}
    found = {}
    for path in Path(spec.origin).parent.joinpath("api").rglob("*_request.py"):
        source = path.read_text(encoding="utf-8")
        method, uri = _METHOD.search(source), _URI.search(source)
        if method and uri:
            found[method[1], uri[1]] = path
    return found


def _attributes(path: Path) -> dict[str, str]:
    """``self.name: Optional[kind]`` of the first class in a file."""
    first = next(
        node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.ClassDef)
    )
    return {
        node.target.attr: ast.unparse(node.annotation)[len("Optional[") : -1]
        for node in ast.walk(first)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Attribute)
    }


def _file_of(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
