"""Programs that were written for the last release of the API go on working with the next one.

The last release is the newest tag. A change that breaks them has to be in the changelog above that release, with the method
and the path of its operation in backticks. Before the first release there are no such programs: then it is the names of
``PROMISED`` that stay.
"""

import copy
import json
import re
import subprocess

import pytest

from tests.contracts.breaking import METHODS, breaking_changes
from tests.services.processes import PROJECT

FILE = "docs/reference/openapi.json"
PROMISED = {
    "POST /api/feishu/webhook/{app_id}": "",
    "POST /api/feishu/bots/{bot_id}/ws/connect": "success botId status",
    "POST /api/feishu/bots/{bot_id}/ws/disconnect": "success botId status",
    "GET /api/feishu/bots/{bot_id}/ws/status": "botId state connectedAt lastHeartbeat error",
    "GET /api/feishu/ws/status": "connections",
    "GET /api/v1/bots": "items next_cursor",
    "GET /api/v1/bots/{bot_id}": "id app_id state",
    "POST /api/v1/bots/{bot_id}/auth-sessions": "id state authorize_url expires_at",
    "GET /api/v1/auth-sessions/{session_id}": "id state authorize_url expires_at",
    "DELETE /api/v1/auth-sessions/{session_id}": "id state",
    "GET /api/v1/bots/{bot_id}/users": "items next_cursor",
    "POST /api/v1/bots/{bot_id}/users/{open_id}/token": "access_token token_type expires_at scopes generation",
    "DELETE /api/v1/bots/{bot_id}/users/{open_id}/token": "destroyed revoked",
    "POST /api/v1/bots/{bot_id}/messages": "message_id",
    "POST /api/v1/bots/{bot_id}/messages/stream": "outcome shown_as message_ids",
    "POST /api/v1/bots/{bot_id}/messages/batch": "id state counts",
    "GET /api/v1/bots/{bot_id}/messages/batch/{batch_id}": "id state counts",
    "POST /api/v1/bots/{bot_id}/messages/{message_id}/reply": "message_id",
    "PATCH /api/v1/bots/{bot_id}/messages/{message_id}": "message_id",
    "GET /api/v1/bots/{bot_id}/events": "items next_cursor",
    "GET /api/v1/events/{event_id}": "id payload deliveries",
    "POST /api/v1/events/{event_id}/replay": "replay_id",
    "GET /api/v1/subscriptions/{subscription_id}/events": "items next_cursor",
    "GET /api/v1/subscriptions/{subscription_id}/stream": "",
    "POST /api/v1/subscriptions/{subscription_id}/ack": "acknowledged",
    "POST /api/v1/alertmanager/{receiver_id}": "card",
    "GET /api/v1/approvals/{approval_id}": "id state expires_at decided_at",
    "POST /mcp": "jsonrpc",
    "GET /proxy/{app_id}/app/open-apis/{path}": "",
    "GET /proxy/{app_id}/users/{open_id}/open-apis/{path}": "",
}
"""Operations, and what their answers have at least."""


@pytest.fixture(scope="module")
def document():
    return json.loads((PROJECT / FILE).read_text())


def git(*arguments):
    command = ["git", "-c", "safe.directory=*", *arguments]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=30)
    return done.stdout if done.returncode == 0 else ""


def test_nothing_of_the_last_release_is_gone(document):
    tags = git("tag", "--list", "v*", "--merged", "HEAD", "--sort", "-version:refname").split()
    released = git("show", f"{tags[0]}:{FILE}") if tags else ""
    if not released:
        pytest.skip("there is no release with a description of the API yet")
    changelog = (PROJECT / "CHANGELOG.md").read_text()
    above = changelog.partition(f"\n## [{tags[0].removeprefix('v')}]")[0]
    changes = breaking_changes(json.loads(released), document)
    unsaid = [change for change in changes if f"`{change.partition(':')[0]}`" not in above]
    assert unsaid == [], "say in the changelog what callers have to change, or take these changes back"


@pytest.mark.parametrize("name", PROMISED)
def test_promised_operation_is_there_with_its_answer(document, name):
    method, path = name.split()
    operation = document["paths"][path][method.lower()]
    # Of two, the first is what is promised: a proxied call may be answered by 202 while it waits for a person.
    answer = next(
        one for status, one in operation["responses"].items() if status in {"default", "200", "201", "202"}
    )
    [content] = answer["content"].values()
    schema = document["components"]["schemas"].get(content["schema"].get("$ref", "").rpartition("/")[2], {})
    assert set(PROMISED[name].split()) <= set(schema.get("properties", {}))


def test_document_breaks_nothing_of_its_own(document):
    assert breaking_changes(document, document) == []


def without_operation(document):
    del document["paths"]["/api/v1/bots"]["get"]


def with_another_name(document):
    document["paths"]["/api/v1/bots"]["get"]["operationId"] = "bots"


def without_field(document):
    del document["components"]["schemas"]["BotOut"]["properties"]["name"]


def with_field_that_may_be_left_out(document):
    document["components"]["schemas"]["BotPage"]["required"].remove("items")


def with_another_type(document):
    document["components"]["schemas"]["BotOut"]["properties"]["enabled"]["type"] = "string"


def without_code(document):
    responses = document["paths"]["/api/v1/bots"]["get"]["responses"]
    del responses["403"]["content"]["application/problem+json"]["examples"]["not_permitted"]


def without_status(document):
    del document["paths"]["/api/v1/bots"]["get"]["responses"]["401"]


def without_header(document):
    del document["paths"]["/api/v1/bots"]["get"]["responses"]["503"]["headers"]["Retry-After"]


def without_parameter(document):
    document["paths"]["/api/v1/bots"]["get"]["parameters"].pop()


def with_required_parameter(document):
    parameter = {"in": "query", "name": "team", "required": True, "schema": {"type": "string"}}
    document["paths"]["/api/v1/bots"]["get"]["parameters"].append(parameter)


def with_another_scope(document):
    document["paths"]["/api/v1/bots"]["get"]["security"] = [{"ApiKey": ["bots:manage"]}]


BREAKING = {
    without_operation: "is gone",
    with_another_name: "operationId is no longer list_bots",
    without_field: "answer 200.items[].name is gone",
    with_field_that_may_be_left_out: "answer 200.items may be left out",
    with_another_type: "answer 200.items[].enabled: type is no longer boolean",
    without_code: "answer 403: code not_permitted is gone",
    without_status: "answer 401 is gone",
    without_header: "answer 503: header Retry-After is gone",
    without_parameter: "parameter cursor is gone",
    with_required_parameter: "parameter team has to be sent",
    with_another_scope: "{'ApiKey': ['bots:read']} no longer opens it",
}


@pytest.mark.parametrize("change", BREAKING, ids=lambda change: change.__name__)
def test_breaking_change_is_found(document, change):
    new = copy.deepcopy(document)
    change(new)
    assert f"GET /api/v1/bots: {BREAKING[change]}" in breaking_changes(document, new)


def with_required_field(schema):
    schema["properties"]["team"] = {"type": "string"}
    schema["required"].append("team")


def without_value(schema):
    schema["properties"]["via"]["enum"].remove("device")


@pytest.mark.parametrize(
    ("change", "said"),
    [(with_required_field, "body.team has to be sent"), (without_value, "body.via takes no device")],
    ids=["field", "value"],
)
def test_breaking_change_of_a_body_is_found(document, change, said):
    new = copy.deepcopy(document)
    change(new["components"]["schemas"]["SessionIn"])
    assert breaking_changes(document, new) == [f"POST /api/v1/bots/{{bot_id}}/auth-sessions: {said}"]


def test_additions_break_nothing(document):
    new = copy.deepcopy(document)
    new["paths"]["/api/v1/teams"] = new["paths"]["/api/v1/bots"]
    schemas = new["components"]["schemas"]
    schemas["BotOut"]["properties"]["team"] = {"type": "string"}
    schemas["BotOut"]["required"].append("team")
    schemas["SessionIn"]["properties"]["team"] = {"type": "string"}
    schemas["SlotState"]["enum"].append("resting")
    operation = new["paths"]["/api/v1/bots"]["get"]
    operation["parameters"].append(
        {"in": "query", "name": "team", "required": False, "schema": {"type": "string"}}
    )
    operation["security"].append({"Operator": []})
    assert breaking_changes(document, new) == []


def test_every_method_of_the_document_is_compared(document):
    assert {method for operations in document["paths"].values() for method in operations} <= set(METHODS)
    assert all(re.fullmatch(r"/[\w/{}-]+(\.json)?", path) for path in document["paths"])
