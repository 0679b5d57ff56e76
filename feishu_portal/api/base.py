"""What both APIs have in common: stable names of operations, answers that no cache keeps, bodies that are objects."""

import json
from typing import Any, NoReturn, cast

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.operation import Operation
from ninja.parser import Parser
from ninja.types import DictStrAny


class StableAPI(NinjaAPI):
    """An operation is named by its function: the name stays when a module moves, and generated clients with it."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    def create_response(self, request: HttpRequest, data: Any, **options: Any) -> HttpResponse:
        """One-time links, tokens, people and payloads are for the caller alone."""
        response = super().create_response(request, data, **options)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class ObjectParser(Parser):
    """Takes JSON objects alone, of what JSON and UTF-8 can say. ninja answers 400 to what this raises."""

    def parse_body(self, request: HttpRequest) -> DictStrAny:
        body = json.loads(request.body, parse_constant=_refuse)
        if not isinstance(body, dict | None):
            raise TypeError("the body is no JSON object")
        if b"\\u" in request.body:
            json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair is no text
        return cast("DictStrAny", body)  # or null, which stands for no body


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
