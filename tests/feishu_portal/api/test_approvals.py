import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from core.access.actors import SYSTEM
from core.access.api_keys import add_api_client, replace_key
from core.access.models import ApiClient
from core.access.scopes import Scope
from core.vault.fields import Sealed
from feishu_portal.approvals.carrying_out import CallOutcome, claim, finish
from feishu_portal.approvals.decisions import approve, deny
from feishu_portal.approvals.enums import Approved
from feishu_portal.approvals.models import CallApproval, StoredAnswer
from tests.factories import make_bot
from tests.feishu_portal.approvals.calls import ask_about

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quiet(monkeypatch) -> None:
    monkeypatch.setattr("feishu_portal.approvals.notify.notify", lambda *_message: None)


@pytest.fixture
def approval() -> CallApproval:
    return ask_about(make_bot())


def caller_of(approval: CallApproval) -> Client:
    return Client(headers={"authorization": f"Bearer {replace_key(approval.client, actor=SYSTEM)}"})


def read(approval: CallApproval, client: Client | None = None, **query):
    return (client or caller_of(approval)).get(f"/api/v1/approvals/{approval.pk}", query)


def answered(approval: CallApproval, content_type: str, body: bytes | None):
    approve(approval, kind=Approved.ONCE)
    finish(
        claim(approval.pk),
        CallOutcome(status=200, code=0, log_id="l", answer=StoredAnswer(content_type, body)),
    )
    return read(approval).json()["answer"]


def test_question_says_how_it_stands(approval) -> None:
    response = read(approval)
    said = response.json()
    assert (said["state"], said["answer"], said["approved"]) == ("asked", None, None)
    assert (said["method"], said["path"], said["open_id"]) == ("POST", "/open-apis/task/v2/tasks", "ou_asked")
    assert response.headers["cache-control"] == "no-store"
    assert "写周报" not in response.content.decode()


def test_question_that_nobody_answered_in_time_is_over_at_once(approval) -> None:
    CallApproval.objects.update(expires_at=timezone.now())
    assert read(approval).json()["state"] == "expired"


def test_json_is_answered_as_it_is(approval) -> None:
    assert answered(approval, "application/json", b'{"code": 0}') == {
        "status": 200, "platform_code": 0, "log_id": "l", "content_type": "application/json", "body": {"code": 0}, "body_base64": None,
    }  # fmt: skip


def test_content_that_is_no_json_is_encoded(approval) -> None:
    found = answered(approval, "image/png", b"\x89PNG")
    assert (found["body"], found["body_base64"]) == (None, "iVBORw==")


def test_answer_that_was_not_kept_is_null(approval) -> None:
    found = answered(approval, "application/json", None)
    assert (found["status"], found["body"], found["body_base64"]) == (200, None, None)


def test_answer_that_no_key_opens_says_so(approval) -> None:
    answered(approval, "application/json", b"{}")
    CallApproval.objects.update(answer=Sealed("x"))
    response = read(approval)
    assert (response.status_code, response.json()["code"]) == (503, "token_sealed")


def test_call_is_its_own_clients_alone(approval) -> None:
    _client, key = add_api_client(name="other", scopes=list(Scope), bots=[], expires_at=None, actor=SYSTEM)
    stranger = Client(headers={"authorization": f"Bearer {key}"})
    assert read(approval, stranger).status_code == 404
    assert read(approval, Client()).status_code == 401
    ApiClient.objects.filter(pk=approval.client_id).update(bot_ids=[str(make_bot().pk)])
    assert read(approval).status_code == 404
    ApiClient.objects.filter(pk=approval.client_id).update(scopes=[Scope.PROXY_APP])
    assert read(approval).status_code == 403


def test_who_waits_is_answered_when_the_person_has(approval) -> None:
    client, reads = caller_of(approval), []

    def deny_at_the_second_read(execute, sql, *arguments):
        if "callapproval" in sql and sql.startswith("SELECT"):
            reads.append(sql)
            if len(reads) == 2:
                deny(approval)
        return execute(sql, *arguments)

    with connection.execute_wrapper(deny_at_the_second_read):
        assert read(approval, client, wait=25).json()["state"] == "denied"


def test_wait_is_bounded(approval) -> None:
    assert read(approval, wait=26).status_code == 422
    assert read(approval, wait=0).json()["state"] == "asked"
