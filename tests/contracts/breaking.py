"""Which changes of an OpenAPI document break clients: what was there and is not, and what has to be sent and had not to be.

Additions to answers are no such changes: the document tells callers to expect them.
"""

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]

METHODS = ("get", "head", "post", "put", "patch", "delete")
MAX_DEPTH = 12
"""Of schemas within schemas; one may hold itself."""


def breaking_changes(old: Document, new: Document) -> list[str]:
    """Each begins with the method and the path of its operation, e.g. ``GET /api/v1/bots``."""
    return [
        f"{method.upper()} {path}: {change}"
        for path, operations in old["paths"].items()
        for method in METHODS
        if method in operations
        for change in _operation(_Both(old, new), operations[method], new["paths"].get(path, {}).get(method))
    ]


class _Both:
    """Both documents, to follow references in."""

    def __init__(self, old: Document, new: Document) -> None:
        self._old, self._new = old, new

    def plain(self, old: Document, new: Document) -> tuple[Document, Document]:
        return _followed(self._old, old), _followed(self._new, new)

    def schema(
        self, old: Document, new: Document, where: str, *, is_sent: bool, depth: int = 0
    ) -> Iterator[str]:
        """``is_sent``: by clients. What they send may only be asked for less, what they read may only hold more."""
        old, new = self.plain(old, new)
        if depth > MAX_DEPTH or not old:
            return
        yield from _kind(old, new, where, is_sent=is_sent)
        fields, newer = old.get("properties", {}), new.get("properties", {})
        needed, newly = set(old.get("required", ())), set(new.get("required", ()))
        yield from (f"{where}.{name} is gone" for name in fields if name not in newer)
        more, less = (newly, needed) if is_sent else (needed, newly)
        said = "has to be sent" if is_sent else "may be left out"
        yield from (f"{where}.{name} {said}" for name in sorted(more - less) if is_sent or name in newer)
        inner = [(f"{where}.{name}", fields[name], newer[name]) for name in fields if name in newer]
        if "items" in old:
            inner.append((f"{where}[]", old["items"], new.get("items", {})))
        for word in ("anyOf", "allOf"):
            before, after = old.get(word, []), new.get(word, [])
            if len(before) > len(after) if is_sent else len(before) < len(after):
                yield f"{where}: {word} is no longer {before}"
            inner += [(where, *pair) for pair in zip(before, after, strict=False)]
        for name, before, after in inner:
            yield from self.schema(before, after, name, is_sent=is_sent, depth=depth + 1)


def _operation(both: _Both, old: Document, new: Document | None) -> Iterator[str]:
    if new is None:
        yield "is gone"
        return
    if old["operationId"] != new["operationId"]:
        yield f"operationId is no longer {old['operationId']}"
    yield from _parameters(both, old.get("parameters", []), new.get("parameters", []))
    yield from _security(old.get("security", []), new.get("security", []))
    before, after = old.get("requestBody", {}), new.get("requestBody", {})
    if after.get("required") and not before.get("required"):
        yield "a body has to be sent"
    yield from _content(both, before, after, "body", is_sent=True)
    for status, response in old["responses"].items():
        if status not in new["responses"]:
            yield f"answer {status} is gone"
            continue
        newer = new["responses"][status]
        yield from _content(both, response, newer, f"answer {status}", is_sent=False)
        gone = set(response.get("headers", {})) - set(newer.get("headers", {}))
        yield from (f"answer {status}: header {name} is gone" for name in sorted(gone))


def _parameters(both: _Both, old: list[Document], new: list[Document]) -> Iterator[str]:
    before, after = ({(one["in"], one["name"]): one for one in some} for some in (old, new))
    for key, parameter in after.items():
        if parameter.get("required") and not before.get(key, {}).get("required"):
            yield f"parameter {key[1]} has to be sent"
    for key, parameter in before.items():
        if key not in after:
            yield f"parameter {key[1]} is gone"
        else:
            yield from both.schema(
                parameter["schema"], after[key]["schema"], f"parameter {key[1]}", is_sent=True
            )


def _security(old: list[Document], new: list[Document]) -> Iterator[str]:
    """Whoever was let in is let in."""
    for way in old:
        is_open = any(
            all(name in way and set(scopes) <= set(way[name]) for name, scopes in other.items())
            for other in new
        )
        if not is_open and new:
            yield f"{way} no longer opens it"


def _content(both: _Both, old: Document, new: Document, where: str, *, is_sent: bool) -> Iterator[str]:
    for kind, content in old.get("content", {}).items():
        newer = new.get("content", {}).get(kind)
        if newer is None:
            yield f"{where}: {kind} is gone"
            continue
        # The examples of problems are named by their codes.
        if kind == "application/problem+json":
            gone = set(content.get("examples", {})) - set(newer.get("examples", {}))
            yield from (f"{where}: code {code} is gone" for code in sorted(gone))
        yield from both.schema(content["schema"], newer["schema"], where, is_sent=is_sent)


def _kind(old: Document, new: Document, where: str, *, is_sent: bool) -> Iterator[str]:
    for word in ("type", "format", "const"):
        before, after = old.get(word), new.get(word)
        if before != after and not (is_sent and after is None):
            yield f"{where}: {word} is no longer {before}"
    # A value that is answered may be new; one that can be sent stays.
    if is_sent and "enum" in new and (gone := set(old.get("enum", [])) - set(new["enum"])):
        yield f"{where} takes no {', '.join(map(str, sorted(gone, key=str)))}"
    if is_sent and "enum" in new and "enum" not in old:
        yield f"{where} takes some values alone"


def _followed(document: Document, schema: Document) -> Document:
    while "$ref" in schema:
        _, *names = schema["$ref"].split("/")
        schema = document
        for name in names:
            schema = schema[name]
    return schema
