"""What a call names: chats, documents, tables and people, by its path and the ids in its fields. Pure.

A kind is told by the look of an id or by where it stands, as the platform's pages of these APIs have it; what is not told so
stays an id.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote

from feishu.text import Text

CHAT: Final = "chat"
PERSON: Final = "person"
TABLE: Final = "table"
DOCUMENTS: Final = frozenset(
    {"doc", "docx", "sheet", "bitable", "mindnote", "file", "wiki", "folder", "slides"}
)
"""As the platform calls the types of what is in its drive (page "Obtain metadata of files")."""
_WORDS: Final[Mapping[str, Text]] = {
    CHAT: Text("群聊", "Chat"),
    PERSON: Text("人员", "Person"),
    TABLE: Text("数据表", "Table"),
    "doc": Text("文档", "Document"),
    "docx": Text("文档", "Document"),
    "sheet": Text("电子表格", "Sheet"),
    "bitable": Text("多维表格", "Base"),
    "mindnote": Text("思维笔记", "Mind map"),
    "file": Text("文件", "File"),
    "wiki": Text("知识库页面", "Wiki page"),
    "folder": Text("文件夹", "Folder"),
    "slides": Text("幻灯片", "Slides"),
}
_LOOKS: Final = (
    (CHAT, re.compile(r"oc_[0-9A-Za-z_-]{1,100}")),
    (PERSON, re.compile(r"ou_[0-9A-Za-z_-]{1,100}")),
)
_TOKEN: Final = re.compile(r"[0-9A-Za-z]{10,64}")
_TABLE: Final = re.compile(r"tbl[0-9A-Za-z]{4,60}")
_FIELDS: Final[Mapping[str, str]] = {
    "app_token": "bitable",
    "document_id": "docx",
    "folder_token": "folder",
    "node_token": "wiki",
    "parent_node_token": "wiki",
    "spreadsheet_token": "sheet",
    "spreadsheettoken": "sheet",
}
_OF_QUERY: Final = "type"
_PATHS: Final[Mapping[str, str]] = {
    "bitable/v1/apps": "bitable",
    "doc/v2": "doc",
    "docx/v1/documents": "docx",
    "drive/explorer/v2/folder": "folder",
    "drive/v1/files": _OF_QUERY,
    "drive/v1/permissions": _OF_QUERY,
    "drive/v2/permissions": _OF_QUERY,
    "sheets/v2/spreadsheets": "sheet",
    "sheets/v3/spreadsheets": "sheet",
}
"""What comes before the token of a document, and its type; ``type``: the query says it."""


@dataclass(frozen=True, slots=True)
class Resource:
    """``kind`` is CHAT, PERSON, TABLE or one of DOCUMENTS; ``base``: of a table, the base that it is in."""

    kind: str
    id: str
    base: str = ""

    @property
    def words(self) -> Text:
        """What kind it is, for people."""
        return _WORDS[self.kind]


def resources_of(path: str, named: Iterable[str], *, query: str = "") -> list[Resource]:
    """Each once, those of the path first. ``path`` and ``query`` are encoded; ``named``: as ``field=token``."""
    found = [*_in_path(path, dict(parse_qsl(query))), *_in_fields(named)]
    return list(dict.fromkeys(found))


def _in_path(path: str, query: Mapping[str, str]) -> Iterator[Resource]:
    segments = [unquote(segment) for segment in path.removeprefix("/open-apis/").split("/")]
    for number, segment in enumerate(segments):
        if kind := _by_look(segment):
            yield Resource(kind, segment)
            continue
        kind = _PATHS.get("/".join(segments[:number]), "")
        if kind == _OF_QUERY:
            kind = query.get(_OF_QUERY, "")
        if kind not in DOCUMENTS or not _TOKEN.fullmatch(segment):
            continue
        yield Resource(kind, segment)
        match segments[number + 1 : number + 3]:
            case ["tables", table] if kind == "bitable" and _TABLE.fullmatch(table):
                yield Resource(TABLE, table, base=segment)


def _in_fields(named: Iterable[str]) -> Iterator[Resource]:
    for one in named:
        field, _, token = one.partition("=")
        of_field = _FIELDS.get(field.casefold(), "") if _TOKEN.fullmatch(token) else ""
        if kind := _by_look(token) or of_field:
            yield Resource(kind, token)


def _by_look(token: str) -> str:
    return next((kind for kind, look in _LOOKS if look.fullmatch(token)), "")
