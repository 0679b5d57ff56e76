"""The OpenAPI document of the control API."""

import re
from typing import Any

from starlette.routing import Route

from sandbox.app import create_app
from sandbox.config import AppConfig
from sandbox.world.faults import Faults
from tests.sandbox.conftest import APP_ID, Platform

PREFIX = "/sandbox/api/"


async def operations(platform: Platform) -> list[tuple[str, str, dict[str, Any]]]:
    paths = (await platform.control("GET", "openapi.json"))["paths"]
    return [(path, method, operation) for path, by in paths.items() for method, operation in by.items()]


def references(part: Any) -> set[str]:
    if isinstance(part, list):
        return set().union(*map(references, part))
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*map(references, part.values()))
    return set()


async def test_every_route_is_in_the_document_and_says_what_it_does(platform: Platform) -> None:
    described = await operations(platform)
    routes = [route for route in create_app().routes if isinstance(route, Route)]
    expected = {
        (route.path, method.lower())
        for route in routes
        if route.path.startswith(PREFIX)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert {(path, method) for path, method, _ in described} == expected
    assert all(operation["summary"] for _, _, operation in described)
    names = [operation["operationId"] for _, _, operation in described]
    assert len(set(names)) == len(names)
    for path, _, operation in described:
        given = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert given == set(re.findall(r"{(\w+)}", path))


async def test_every_reference_leads_somewhere(platform: Platform) -> None:
    whole = await platform.control("GET", "openapi.json")
    known = {f"#/components/schemas/{name}" for name in whole["components"]["schemas"]}
    assert references(whole) <= known


async def test_shapes_have_every_field_and_a_change_needs_none(platform: Platform) -> None:
    schemas = (await platform.control("GET", "openapi.json"))["components"]["schemas"]
    for shape in (AppConfig, Faults):
        assert set(schemas[shape.__name__]["properties"]) == set(shape.__struct_fields__)
    assert (schemas["AppConfig"]["required"], schemas["AppChanges"]["required"]) == (["app_id"], [])
    assert schemas["DeliveryFault"]["additionalProperties"] is False


async def test_bodies_are_described_where_there_are_any(platform: Platform) -> None:
    bodies = {
        (path.removeprefix(PREFIX), method): operation["requestBody"]["content"]["application/json"][
            "schema"
        ]["$ref"]
        for path, method, operation in await operations(platform)
        if "requestBody" in operation
    }
    assert bodies["apps/{app_id}", "put"].endswith("/AppChanges")
    assert bodies["faults", "put"].endswith("/Faults")
    assert bodies["disturb", "post"].endswith("/Disturbance")
    assert {method for _, method in bodies} == {"post", "put"}


async def test_what_is_in_no_shape_is_refused_as_the_document_says(platform: Platform) -> None:
    for path, method, operation in await operations(platform):
        if "requestBody" in operation:
            wish = path.removeprefix(PREFIX).replace("{app_id}", APP_ID)
            answer = await platform.control(method.upper(), wish, {"no such field": 1}, status=400)
            assert answer["error"], path
