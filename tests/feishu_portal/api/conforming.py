"""Holds every answer that a test gets to the OpenAPI document: its status, its code, its headers and its body."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import jsonschema_rs

from feishu_portal.reference.openapi_file import page

PROBLEM = "application/problem+json"
ELSEWHERE = {405}
"""Statuses of methods that are no operation."""


@dataclass
class Description:
    """The document, and what it says of an answer."""

    document: dict[str, Any]
    _validators: dict[str, Any] = field(default_factory=dict)

    def check(self, method: str, path: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Raises AssertionError where the answer is not as described. What the document does not know is no matter here."""
        operation = self._operation(method, path)
        if operation is None or status in ELSEWHERE:
            return
        about = f"{operation['operationId']}: {status}"
        responses = operation["responses"]
        response = responses.get(str(status), responses.get("default"))
        assert response is not None, f"{about} is not described"
        kind = headers.get("content-type", "").partition(";")[0].strip()
        if method == "HEAD" or (kind != PROBLEM and "*/*" in response["content"]):
            return
        assert kind in response["content"], f"{about} with {kind} is not described"
        described = response["content"][kind]
        if kind == PROBLEM:
            code = json.loads(body)["code"]
            assert code in described["examples"], f"{about} {code} is not described"
            has_retry_after = "Retry-After" in response["headers"]
            assert has_retry_after or "retry-after" not in headers, (
                f"{about} {code}: Retry-After is not described"
            )
        if kind.endswith("json"):
            errors = [
                error.message for error in self.validator(described["schema"]).iter_errors(json.loads(body))
            ]
            assert not errors, f"{about}: {errors}"

    def validator(self, schema: dict[str, Any]) -> Any:
        """A validator of a schema in the document, which may refer to others."""
        key = json.dumps(schema)
        if key not in self._validators:
            whole = {**schema, "components": self.document["components"]}
            self._validators[key] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        return self._validators[key]

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        for pattern, operations in self._patterns:
            if pattern.fullmatch(path) and method.lower() in operations:
                found: dict[str, Any] = operations[method.lower()]
                return found
        return None

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], dict[str, Any]]]:
        """The rest of a proxied path is of many segments, every other parameter of one."""
        return [
            (re.compile(re.sub(r"\\{(\w+)\\}", _in_path, re.escape(path))), operations)
            for path, operations in self.document["paths"].items()
        ]


def _in_path(parameter: re.Match[str]) -> str:
    return ".+" if parameter[1] == "path" else "[^/]+"


@cache
def description() -> Description:
    """That of the portal. Django has to be set up."""
    return Description(json.loads(page()))
