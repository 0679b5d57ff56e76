"""The tables of errors say what the source can raise, operation by operation: no more and no less."""

import pytest

from bots.errors import SendingError
from core.access.scopes import Scope
from events.ingress.webhook import refusals
from feishu_portal.api import api, connections, problems
from feishu_portal.api.description.errors import (
    ACTING,
    ARRIVING,
    ERRORS,
    EVERYWHERE,
    OWN,
    PROXY_APP,
    PROXY_USER,
    WEBHOOK,
    WITH_A_BODY,
)
from feishu_portal.api.description.parts import SCOPES
from feishu_portal.api.endpoint import Endpoint
from feishu_portal.api.mcp.description import ERRORS as AGENTS
from feishu_portal.api.proxy.server import ProxyServer
from feishu_portal.api.users import FOR_USERS
from feishu_portal.front import arrival, bodies, passive
from tests.feishu_portal.api.description.raising import problems_made, reached, scopes_asked_for

SENDING = {
    "409 bot_disabled", "409 outcome_unknown", "409 request_in_progress", "422 idempotency_key_reused", "422 invalid_content",
}  # fmt: skip
SENDING_TO_MANY = SENDING - {"409 outcome_unknown"} | {"429 too_many_batches"}
UNWRITTEN = {
    "api.auth_sessions._open_id_of": {"409 bot_disabled", "409 tenant_key_required"},
    "api.auth_sessions.create_session": {
        "409 asked_too_often", "409 bot_disabled", "409 invalid_scopes", "409 no_public_url", "409 tenant_key_required",
    },
    "api.batches.create_message_batch": SENDING_TO_MANY,
    "api.grants.grant_problem": {"404 token_not_found", "409 tenant_key_required"},
    "api.messages.sending_problem": SENDING,
    "api.problems.install": set(),  # of whatever status ninja or a view raised: 400 invalid_request, 403 not_permitted
    "api.proxy.gate.put_question": {"403 approval_denied", "429 too_many_approvals"},
    "api.proxy.target._invalid": {"400 invalid_path", "400 invalid_query"},
    "api.tokens._issue": {"409 bot_disabled"},
    "front.bodies._refusal": {"408 body_too_slow", "413 body_too_large"},
}  # fmt: skip
"""Problems whose code is that of an exception, or is put together."""
BY_NINJA = {"400 invalid_request", "401 caller_unauthenticated", "403 not_permitted", "422 invalid_request"}
NO_OPERATION = {"405 method_not_allowed"}
"""Answers to a method that an address does not have."""
NO_ADDRESS = {"404 not_found"}
"""Of an address that there is not."""


def operations():
    for one in (api, connections.api):
        for _prefix, router in one._routers:
            for view in router.path_operations.values():
                yield from view.operations


OPERATIONS = {operation.view_func.__name__: operation.view_func for operation in operations()}


def test_every_operation_has_its_errors_and_scopes():
    assert set(OWN) == set(SCOPES) == set(OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_declares_what_it_can_raise(name):
    raised = problems_made(reached(OPERATIONS[name]), UNWRITTEN)
    assert set(OWN[name]) == raised - set(EVERYWHERE)


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_declares_the_scopes_that_it_asks_for(name):
    named = scopes_asked_for(
        one for one in reached(OPERATIONS[name]) if one.name not in {"ApiKey", "permitted"}
    )
    if name in {"list_users", "get_person"}:
        assert SCOPES[name] == FOR_USERS
    elif name in {"connect_bot", "disconnect_bot"}:
        assert [scope.name for scope in SCOPES[name]] == ["BOTS_MANAGE"] == sorted(named)
    else:
        assert {scope.name for scope in SCOPES[name]} == named
    assert set(SCOPES[name]) <= set(Scope)


def test_every_operation_declares_what_comes_before_it():
    before = problems_made(
        reached(problems.install, arrival.check_arrival, arrival.refusal_of_call, bodies.BoundedBodies),
        UNWRITTEN,
    )
    acting = problems_made(reached(passive.refuse_while_passive, passive.ActiveOnly), UNWRITTEN)
    assert before - NO_OPERATION - NO_ADDRESS | BY_NINJA == {*EVERYWHERE, *WITH_A_BODY}
    assert acting == set(ACTING)


def test_proxy_declares_what_it_can_raise():
    # Asked for an app's token, it answers in the platform's shape.
    raised = problems_made(
        reached(Endpoint, ProxyServer, without={"read_key", "check_key", "refusal"}), UNWRITTEN
    )
    assert set(PROXY_USER) == raised - NO_OPERATION | {*ARRIVING, *ACTING}
    of_people = {"reauthorization_required", "refresh_in_progress", "refresh_postponed", "token_not_found", "tenant_key_required",
                 "open_id_of_another_app", "approval_pending", "approval_denied", "too_many_approvals", "body_too_large"}  # fmt: skip
    assert {ERRORS[name].code for name in set(PROXY_USER) - set(PROXY_APP)} == of_people


def test_webhook_declares_its_refusals():
    refused = {f"{one.status} {one.code}" for one in refusals.ALL} - NO_OPERATION
    assert set(WEBHOOK) == refused | {*ARRIVING, *ACTING}


def test_every_error_is_of_some_operation():
    of_some = {
        *EVERYWHERE,
        *WITH_A_BODY,
        *ACTING,
        *PROXY_USER,
        *WEBHOOK,
        *AGENTS,
        *(name for names in OWN.values() for name in names),
    }
    assert of_some == set(ERRORS)


def test_codes_of_messages_are_those_of_their_exceptions():
    found, left = set(), [SendingError]
    while left:
        one = left.pop()
        left += one.__subclasses__()
        found.add(one.code)
    declared = {name.split()[1] for name in SENDING | SENDING_TO_MANY}
    assert found - {SendingError.code} | {"bot_disabled"} == declared
