"""What the OpenAPI document says beyond what the routes declare: errors, scopes, headers, examples, the words for parameters.

Every operation can answer with a problem (RFC 9457), so a generated client needs its schema as much as that of a success.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from feishu_portal.api.description.errors import (
    ACTING,
    ERRORS,
    EVERYWHERE,
    OWN,
    WITH_A_BODY,
    problems,
    references,
)
from feishu_portal.api.description.examples import EXAMPLES
from feishu_portal.api.description.parts import (
    HEADERS,
    INTRODUCTION,
    LAST_EVENT_ID,
    PARAMETERS,
    SCHEMAS,
    SCOPES,
    SECURITY_SCHEMES,
    STREAM,
    TAGS,
)

Document = dict[str, Any]

LICENSE: Final = {"name": "MIT", "identifier": "MIT"}
_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete", "head"})
_FETCHING: Final = frozenset({"fetch_events", "stream_events"})
"""Operations that hand something over though they are GETs: a passive portal refuses them."""
_SENDING: Final = frozenset({"send_message", "reply", "update_card"})
_STREAMED: Final = {
    "fetch_events": ("application/json", {"$ref": "#/components/schemas/FetchedEvents"}),
    "stream_events": ("text/event-stream", STREAM),
}
"""Answers that are written without a schema of ninja's."""
_QUERIES: Final = frozenset({"BatchesIn", "EventsIn", "FetchIn", "IncidentsIn", "RecipientsIn"})
"""Schemas of queries, which ninja leaves behind: their fields are parameters."""
_LINE_END: Final = re.compile(r"(?<=\S)\n(?=[^\n\s-])")
_CODE: Final = re.compile(r"``([^`]+)``")


def complete(document: Document, *, server: str) -> None:
    """Add to the document what the routes do not say."""
    document["info"] |= {"description": INTRODUCTION, "license": LICENSE}
    document["servers"] = [{"url": server or "/", "description": "This portal"}]
    document["tags"] = [{"name": name, "description": words} for name, words in TAGS.items()]
    components = document["components"]
    components["headers"] = HEADERS
    components["examples"] = {error.component: {"value": error.example} for error in ERRORS.values()}
    components["securitySchemes"] = SECURITY_SCHEMES
    schemas = components["schemas"] = {
        name: schema for name, schema in components["schemas"].items() if name not in _QUERIES
    } | SCHEMAS
    for name, example in EXAMPLES.items():
        schemas[name] = {**schemas[name], "examples": [example]}
    for schema in schemas.values():
        _in_markdown(schema)
    for path, method, operation in _operations(document):
        _in_markdown(operation)
        if operation["operationId"] in OWN:
            _complete(operation, method, path)


def _complete(operation: Document, method: str, path: str) -> None:
    """What the portal's own operations have in common; those of the proxy and the webhook are written out."""
    name = operation["operationId"]
    if name in _STREAMED:
        kind, schema = _STREAMED[name]
        operation["responses"] = {200: {"description": "OK", "content": {kind: {"schema": schema}}}}
    if name == "stream_events":
        operation["parameters"].append(LAST_EVENT_ID)
    for parameter in operation.get("parameters", ()):
        if words := PARAMETERS.get(parameter["name"]):
            parameter.setdefault("description", words)
    operation["security"] = [
        *({"ApiKey": [scope.value]} for scope in SCOPES[name]),
        *([{"Operator": []}] if path.startswith("/api/feishu/") else []),
    ]
    errors = (*EVERYWHERE, *OWN[name])
    if "requestBody" in operation:
        errors += WITH_A_BODY
    if method != "get" or name in _FETCHING:
        errors += ACTING
    responses = operation["responses"] = {str(status): one for status, one in operation["responses"].items()}
    for status, response in responses.items():
        of_success = ("Cache-Control", *(["Idempotency-Replayed"] if name in _SENDING else []))
        response["headers"] = references(
            "headers", ("X-Request-ID", *(of_success if int(status) < 300 else ()))
        )
    for status, problem in problems(errors).items():
        if status in responses:  # a shape of its own, beside which there can be a problem
            responses[status]["description"] = f"{problem['description']}\n- or that there is no such bot"
            responses[status]["content"] |= problem["content"]
        else:
            responses[status] = problem
    operation["responses"] = dict(sorted(responses.items()))


def _in_markdown(words: Document) -> None:
    """A docstring as CommonMark: single backticks, and lines that do not end where the source's do."""
    if isinstance(description := words.get("description"), str):
        words["description"] = _CODE.sub(r"`\1`", _LINE_END.sub(" ", description))


def _operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in _METHODS:
                yield path, method, operation
