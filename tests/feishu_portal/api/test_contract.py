"""What the OpenAPI document promises to people who generate a client from it, and what every route keeps."""

import json
import re

import pytest
from django.test import Client

from core.access.models import User
from core.access.scopes import Scope
from feishu_portal.api.description.examples import EXAMPLES
from feishu_portal.api.description.parts import PARAMETERS
from tests.factories import make_bot, make_grant
from tests.feishu_portal.api.callers import api_client, ask_for_authorization
from tests.feishu_portal.api.conforming import description

pytestmark = pytest.mark.django_db
PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}
WEBHOOK_PROBLEM = {"$ref": "#/components/schemas/WebhookProblem"}


@pytest.fixture
def document():
    return Client().get("/api/v1/openapi.json").json()


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def test_every_operation_declares_its_errors_as_problems(document):
    for name, operation in operations(document):
        errors = {
            status: one
            for status, one in operation["responses"].items()
            if status.isdigit() and int(status) >= 400
        }
        assert {"400", "403", "500"} <= set(errors), name
        for status, error in errors.items():
            described = error["content"]["application/problem+json"]
            assert described["schema"] == (WEBHOOK_PROBLEM if "webhook" in name else PROBLEM["schema"]), (
                name,
                status,
            )
            for code, example in described["examples"].items():
                assert example == {"$ref": f"#/components/examples/{status}-{code}"}
                assert document["components"]["examples"][f"{status}-{code}"]["value"]["code"] == code


def test_every_operation_says_what_it_is_for_and_who_may_call_it(document):
    tags = {tag["name"] for tag in document["tags"]}
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name
        assert set(operation["tags"]) <= tags, name
        assert operation["security"] or "webhook" in name, name
        assert all("X-Request-ID" in response["headers"] for response in operation["responses"].values()), (
            name
        )


def test_lists_say_how_they_go_on(document):
    for name, operation in operations(document):
        if any(parameter["name"] == "cursor" for parameter in operation.get("parameters", ())):
            [schema] = [kind["schema"]["$ref"] for kind in operation["responses"]["200"]["content"].values()]
            assert (
                "next_cursor" in document["components"]["schemas"][schema.rpartition("/")[2]]["properties"]
            ), name


def test_every_schema_of_a_body_has_an_example_that_fits_it(document):
    named = set()
    for _name, operation in operations(document):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        named |= {
            kind["schema"]["$ref"].rpartition("/")[2]
            for body in bodies
            for kind in body.get("content", {}).values()
            if "$ref" in kind["schema"]
        }
    schemas = document["components"]["schemas"]
    assert len(named) > 25
    for name in named:
        for example in schemas[name]["examples"]:
            errors = description().validator({"$ref": f"#/components/schemas/{name}"}).iter_errors(example)
            assert [error.message for error in errors] == [], name


def test_every_example_of_an_error_is_a_problem(document):
    validator = description().validator(PROBLEM["schema"])
    for name, example in document["components"]["examples"].items():
        assert [error.message for error in validator.iter_errors(example["value"])] == [], name


def test_fields_of_queries_are_parameters_and_no_schemas(document):
    referred = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(document)))
    assert set(document["components"]["schemas"]) == referred


def test_every_answer_has_a_schema(document):
    for name, operation in operations(document):
        if "/proxy/" in name:
            continue
        [success] = [one for status, one in operation["responses"].items() if status.startswith("2")]
        assert all(kind["schema"] for kind in success["content"].values()), name
    events = document["paths"]["/api/v1/subscriptions/{subscription_id}/events"]["get"]["responses"]["200"]
    assert events["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/FetchedEvents"}
    stream = document["paths"]["/api/v1/subscriptions/{subscription_id}/stream"]["get"]["responses"]["200"]
    assert set(stream["content"]) == {"text/event-stream"}


def test_names_of_operations_are_stable_and_once_each(document):
    names = [operation["operationId"] for _name, operation in operations(document)]
    assert len(names) == len(set(names))
    assert not any("feishu_portal" in name for name in names)


def test_every_parameter_is_described(document):
    for name, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            described = parameter.get("description") or parameter["schema"].get("description")
            assert described, (name, parameter["name"])
    used = {
        one["name"] for _name, operation in operations(document) for one in operation.get("parameters", ())
    }
    assert set(PARAMETERS) <= used


def test_document_says_what_it_is_and_where(document):
    assert "API key" in document["info"]["description"]
    assert document["servers"]
    for name in EXAMPLES:
        assert document["components"]["schemas"][name]["examples"]


@pytest.mark.parametrize(
    "body",
    [
        "[null,null]",
        "[]",
        '"text"',
        "7",
        "true",
        '{"min_ttl":NaN}',
        '{"tenant_key":"\\ud800"}',
        "{",
        "[" * 5000,
    ],
)
def test_body_that_is_no_object_is_refused(body):
    bot = make_bot()
    make_grant(bot)
    address = f"/api/v1/bots/{bot.app_id}/users/ou_asked/token"
    response = api_client(Scope.TOKENS_ISSUE).post(address, body, "application/json")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("body", ["", "{}"])
def test_body_may_be_empty(body):
    bot = make_bot()
    make_grant(bot)
    address = f"/api/v1/bots/{bot.app_id}/users/ou_asked/token"
    assert api_client(Scope.TOKENS_ISSUE).post(address, body, "application/json").status_code == 200


def test_nothing_is_kept_by_a_cache(settings):
    settings.PUBLIC_URL = "https://portal.test"
    bot = make_bot()
    client = api_client(*Scope)
    session = ask_for_authorization(client, bot, deliver="link")
    assert session.status_code == 201
    answers = [
        session,
        client.get(f"/api/v1/auth-sessions/{session.json()['id']}"),
        *(
            client.get(f"/api/v1/bots{path}")
            for path in ("", f"/{bot.app_id}", f"/{bot.app_id}/users", f"/{bot.app_id}/events")
        ),
        client.get("/api/feishu/ws/status"),
    ]
    assert {answer.status_code for answer in answers} == {200, 201}
    assert {answer["Cache-Control"] for answer in answers} == {"no-store"}


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer fp_bogus"}, {"Authorization": "Basic eA=="}]
)
@pytest.mark.parametrize("control", ["connect", "disconnect"])
def test_wrong_key_is_unauthenticated_and_not_forbidden(headers, control):
    address = f"/api/feishu/bots/{make_bot().pk}/ws/{control}"
    for client in (Client(headers=headers), Client(headers=headers, enforce_csrf_checks=True)):
        response = client.post(address)
        assert (response.status_code, response.json()["code"]) == (401, "caller_unauthenticated")


def test_operator_still_needs_the_csrf_token():
    operator = User.objects.create_superuser("root", password="x")
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    assert client.post(f"/api/feishu/bots/{make_bot().pk}/ws/connect").status_code == 403


@pytest.mark.parametrize(
    "address",
    [
        "https://user:pw@crm.test/x",
        "https://user@crm.test",
        "https:///x",
        "https://[::1",
        "http://",
        "https://crm.test:99999/",
        "https://crm.test:0/",
        "javascript:alert(1)",
        "//crm.test",
    ],
)
def test_return_address_has_a_host_and_nobody_in_front_of_it(settings, address):
    settings.PUBLIC_URL = "https://portal.test"
    response = ask_for_authorization(api_client(Scope.AUTH_CREATE), make_bot(), return_url=address)
    assert response.status_code == 422


@pytest.mark.parametrize("address", ["", "https://crm.test/x?y=1", "http://[::1]:8000/x"])
def test_return_address_of_a_page_is_taken(settings, address):
    settings.PUBLIC_URL = "https://portal.test"
    response = ask_for_authorization(api_client(Scope.AUTH_CREATE), make_bot(), return_url=address)
    assert response.status_code == 201


@pytest.mark.parametrize(
    "scopes", [["a b"], ["x`[y](https://evil.test)`"], [], ["a"] * 51, ["a" * 129], ["a\n"]]
)
def test_scopes_have_names_and_are_counted(settings, scopes):
    settings.PUBLIC_URL = "https://portal.test"
    response = ask_for_authorization(api_client(Scope.AUTH_CREATE), make_bot(), scopes=scopes)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
