import json
from datetime import timedelta

import httpx2
import pytest
import respx
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from auth_sessions.domain.tokens import broker, refresh_wait, user_client
from auth_sessions.domain.tokens.user_client import UserCalls, Workspace, apps_of
from auth_sessions.enums import RefreshPhase, TokenStatus
from auth_sessions.errors import (
    InTransactionError,
    ReauthorizationRequiredError,
    RefreshInProgressError,
    ScopesLackingError,
    TokenNotFoundError,
)
from auth_sessions.models import TokenUse, UserToken
from bots.errors import BotDisabledError
from bots.models import Bot
from feishu.errors import APIError, InvalidToken, TransportError
from tests.factories import PLATFORM, make_bot, make_grant

pytestmark = pytest.mark.django_db
RECORDS = f"{PLATFORM}/open-apis/apaas/v1/workspaces/w1/tables/student/records"
ROWS = {"code": 0, "data": {"has_more": False, "total": 1, "items": '[{"name":"Ann"}]'}}
EXPIRED = {"code": 99991677, "msg": "Authentication token expired."}
FIRST, NEXT = "u-the-first-token-of-the-tests", "u-the-next-token-of-the-tests"


@pytest.fixture(autouse=True)
def short_patience(monkeypatch):
    monkeypatch.setattr(refresh_wait, "PATIENCE", 0.3)


@pytest.fixture
def bot():
    return make_bot()


@pytest.fixture
def grant(bot):
    return make_grant(bot, access_token=FIRST, authorized_at=timezone.now() - timedelta(hours=1))


@pytest.fixture
def workspace(bot):
    return Workspace("w1", bot=bot, open_id="ou_asked", program="shop.handlers")


@pytest.fixture
def platform():
    with respx.mock(assert_all_called=False) as mock:
        mock.records = mock.route(url__startswith=RECORDS).respond(json=ROWS, headers={"X-Tt-Logid": "log-1"})
        yield mock


def refresh(grant, token=NEXT):
    row = UserToken.objects.get(pk=grant.pk)
    row.access_token, row.generation = token, row.generation + 1
    row.access_expires_at = timezone.now() + timedelta(hours=2)
    row.save()


@pytest.fixture
def refresher(monkeypatch):
    """Refreshes as soon as it is asked."""
    asked = []
    for module in (user_client, broker):
        monkeypatch.setattr(module, "request_refresh", lambda grant: asked.append(grant.pk) or refresh(grant))
    return asked


def tokens(route) -> list[str]:
    return [call.request.headers["authorization"].removeprefix("Bearer ") for call in route.calls]


def test_rows_are_read_as_the_person_and_the_call_is_written_down(workspace, grant, platform):
    assert workspace.read("student", filter="age=gt.10").items == [{"name": "Ann"}]
    assert tokens(platform.records) == [FIRST]
    use = TokenUse.objects.of(grant).get()
    assert (use.caller, use.kind, use.generation) == ("shop.handlers", "code", 1)
    assert (use.method, use.path) == ("GET", "/open-apis/apaas/v1/workspaces/w1/tables/student/records")
    assert (use.status, use.code, use.log_id) == (200, 0, "log-1")
    assert use.seconds is not None
    assert not {FIRST, "age"} & set(str(list(TokenUse.objects.values())).split("'"))


def test_call_is_written_down_before_it_is_sent(workspace, grant, platform, monkeypatch):
    def fail(_uses):
        raise DatabaseError("no space left")

    monkeypatch.setattr(user_client, "record_calls", fail)
    with pytest.raises(DatabaseError):
        workspace.read("student")
    assert not platform.calls


def test_answer_is_served_though_its_ending_cannot_be_written(workspace, grant, platform, monkeypatch):
    def fail(_uses):
        raise DatabaseError("no space left")

    monkeypatch.setattr(user_client, "record_outcomes", fail)
    assert workspace.read("student").total == 1


def test_token_that_ends_is_refreshed_first(workspace, grant, platform, refresher):
    UserToken.objects.update(access_expires_at=timezone.now())
    workspace.read("student")
    assert tokens(platform.records) == [NEXT]
    assert len(refresher) == 1


def test_refresh_that_takes_too_long_is_in_progress(workspace, grant, platform, monkeypatch):
    UserToken.objects.update(access_expires_at=timezone.now())
    monkeypatch.setattr(user_client, "request_refresh", lambda _grant: True)
    with pytest.raises(RefreshInProgressError):
        workspace.read("student")
    assert not platform.calls


def test_rejected_token_is_replaced_and_the_call_sent_once_more(workspace, grant, platform, refresher):
    platform.records.side_effect = [
        httpx2.Response(401, json=EXPIRED),
        httpx2.Response(200, json={"code": 0, "data": {"record_ids": ["r1"]}}),
    ]
    assert workspace.insert("student", [{"name": "Cy"}]) == ["r1"]
    assert tokens(platform.records) == [FIRST, NEXT]
    first, second = platform.records.calls
    assert json.loads(first.request.content) == json.loads(second.request.content)
    assert [(use.generation, use.code) for use in TokenUse.objects.order_by("id")] == [(1, 99991677), (2, 0)]


def test_token_rejected_twice_is_a_failure(workspace, grant, platform, refresher):
    platform.records.respond(401, json=EXPIRED)
    with pytest.raises(InvalidToken):
        workspace.read("student")
    assert len(platform.calls) == 2


def test_api_that_takes_no_users_is_not_asked_again(workspace, grant, platform, refresher):
    platform.records.respond(400, json={"code": 99991668, "msg": "user access token not support"})
    with pytest.raises(InvalidToken):
        workspace.read("student")
    assert not refresher


@pytest.mark.parametrize("state", ["uncertain", "fresh"])
def test_rejected_token_that_no_refresh_cures_is_an_error(workspace, grant, platform, refresher, state):
    uncertain = {"phase": RefreshPhase.UNCERTAIN}
    UserToken.objects.update(**(uncertain if state == "uncertain" else {"authorized_at": timezone.now()}))
    platform.records.respond(401, json=EXPIRED)
    with pytest.raises(InvalidToken):
        workspace.read("student")
    assert len(platform.calls) == 1


def test_lost_answer_is_not_asked_for_again(workspace, grant, platform):
    platform.records.side_effect = httpx2.ReadTimeout
    with pytest.raises(TransportError) as caught:
        workspace.insert("student", [{"name": "Cy"}])
    assert caught.value.sent == "unknown"
    assert len(platform.calls) == 1
    assert TokenUse.objects.get().status is None


def test_person_who_never_authorized_has_no_token(workspace, platform):
    with pytest.raises(TokenNotFoundError):
        workspace.read("student")


def test_person_who_has_to_authorize_again_is_named(workspace, grant, platform):
    UserToken.objects.update(
        access_expires_at=timezone.now(), status=TokenStatus.NEEDS_REAUTH, phase=RefreshPhase.STOPPED
    )
    with pytest.raises(ReauthorizationRequiredError, match="ou_asked has to authorize"):
        workspace.read("student")
    assert not platform.calls


def test_scope_that_is_lacking_is_named_with_who_can_give_it(workspace, grant, bot, platform):
    violations = [{"type": "action_privilege_required", "subject": "app_engine:workspace.table.record:read"}]
    body = {"code": 99991679, "msg": "Unauthorized", "error": {"permission_violations": violations}}
    platform.records.respond(400, json=body)
    with pytest.raises(ScopesLackingError) as caught:
        workspace.read("student")
    assert caught.value.scopes == ("app_engine:workspace.table.record:read",)
    assert (caught.value.open_id, caught.value.app_id) == ("ou_asked", bot.app_id)
    assert TokenUse.objects.get().code == 99991679


def test_other_refusals_are_the_platforms_own(workspace, grant, platform):
    platform.records.respond(400, json={"code": 2320001, "msg": "param is invalid"})
    with pytest.raises(APIError) as caught:
        workspace.read("student")
    assert caught.value.code == 2320001


def test_disabled_bot_calls_nobody(workspace, grant, bot, platform):
    Bot.objects.update(enabled=False)
    bot.refresh_from_db()
    with pytest.raises(BotDisabledError):
        workspace.read("student")


@pytest.mark.django_db(transaction=True)
def test_transaction_that_could_undo_the_record_is_refused(workspace, grant, platform):
    with transaction.atomic(), pytest.raises(InTransactionError):
        workspace.read("student")
    assert not platform.calls
    assert workspace.read("student").total == 1


def test_grant_of_one_bot_is_no_other_bots(grant, platform):
    stranger = Workspace("w1", bot=make_bot(), open_id="ou_asked")
    with pytest.raises(TokenNotFoundError):
        stranger.read("student")


def test_apps_and_any_other_call(bot, grant):
    with respx.mock:
        apps = {"code": 0, "data": {"items": [{"namespace": "package_demo__c"}], "has_more": False}}
        respx.get(f"{PLATFORM}/open-apis/apaas/v1/apps").respond(json=apps)
        respx.get(f"{PLATFORM}/open-apis/task/v2/tasks").respond(json={"code": 0, "data": {"items": []}})
        assert [app.namespace for app in apps_of(bot=bot, open_id="ou_asked")] == ["package_demo__c"]
        calls = UserCalls(bot=bot, open_id="ou_asked")
        assert calls("GET", "/open-apis/task/v2/tasks").data == {"items": []}
        with pytest.raises(ValueError, match="path"):
            calls("GET", "@evil.test/")


@pytest.mark.django_db(transaction=True)
def test_connection_of_the_database_is_not_held_during_a_call(bot, grant):
    is_held = []

    def answer(_request):
        is_held.append(connection.connection is not None)
        return httpx2.Response(200, json={"code": 0})

    with respx.mock:
        respx.get(f"{PLATFORM}/open-apis/task/v2/tasks").mock(side_effect=answer)
        UserCalls(bot=bot, open_id="ou_asked")("GET", "/open-apis/task/v2/tasks")
    assert is_held == [False]
