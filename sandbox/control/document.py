"""The OpenAPI document of the control API: made of the routes, of the shapes of their bodies and of what is written at them."""

import inspect
import re
from collections.abc import Iterable
from typing import Any, Final, get_type_hints

import msgspec
from msgspec import Struct

from sandbox.config import AppConfig
from sandbox.control.endpoint import ControlRoute

_REF: Final = "#/components/schemas/{name}"
_ERROR: Final = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string", "description": "What is wrong, in English."}},
}
_QUERY: Final = {
    "app_id": "The app; all of them where it is left out.",
    "after": "Pushes with a higher number.",
    "events": "`false` leaves the list of pushes out.",
    "limit": "How many, the newest.",
    "verify": "`false` saves a webhook URL without asking it for a challenge.",
    "method": "Of the API whose answer goes; with `path`.",
    "path": "Of the API whose answer goes; with `method`.",
    "chat_id": "The chat; or say `person` and `app_id`.",
    "person": "The person, by id.",
}


def document(routes: Iterable[ControlRoute]) -> dict[str, Any]:
    """OpenAPI 3.1."""
    routes = list(routes)
    shapes = {shape for route in routes for shape in (route.shape, _answered(route)) if shape is not None}
    _, schemas = msgspec.json.schema_components(
        sorted(shapes, key=lambda shape: shape.__name__), ref_template=_REF
    )
    # A change names the fields that change, and its path the app.
    schemas["AppChanges"] = {**schemas["AppConfig"], "title": "AppChanges", "required": []}
    paths: dict[str, Any] = {}
    for route in routes:
        for method in route.methods - {"HEAD"}:
            paths.setdefault(route.path, {})[method.lower()] = _operation(route, method)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Feishu sandbox: control API",
            "version": "1",
            "description": "What steers the stand-in for the platform. It is for programs on the same machine and asks for no"
            " password; pages of other sites are refused. Bodies are JSON, sent as application/json.",
        },
        "paths": paths,
        "components": {"schemas": {**schemas, "Error": _ERROR}},
    }


def _operation(route: ControlRoute, method: str) -> dict[str, Any]:
    text = inspect.getdoc(route.handler) or ""
    operation: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{method.lower()} {route.name_in_api}").strip("_"),
        "summary": text.partition("\n")[0],
        "parameters": [
            *(_parameter(name, "path") for name in re.findall(r"{(\w+)}", route.path)),
            *(_parameter(name, "query") for name in route.query),
        ],
        "responses": {
            "200": _content("Done.", _schema_of(_answered(route))),
            "400": _content("The request is not understood, or makes no sense here.", _reference("Error")),
            "default": _content(
                "403 and 421: not from here; 404: nothing of this name; 409: not now; 415: no JSON; 422: it was tried"
                " and failed.",
                _reference("Error"),
            ),
        },
    }
    if "\n" in text:
        operation["description"] = text
    if route.shape is not None:
        name = "AppChanges" if route.shape is AppConfig else route.shape.__name__
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _reference(name)}},
        }
    return operation


def _parameter(name: str, place: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": _QUERY[name],
        "schema": {"type": "integer", "minimum": 0} if name in {"after", "limit"} else {"type": "string"},
    }


def _content(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _answered(route: ControlRoute) -> type[Struct] | None:
    """The struct that the handler returns, if it is one."""
    answered = get_type_hints(route.handler)["return"]
    return answered if isinstance(answered, type) and issubclass(answered, Struct) else None


def _schema_of(shape: type[Struct] | None) -> dict[str, Any]:
    return {"type": "object"} if shape is None else _reference(shape.__name__)


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": _REF.format(name=name)}
