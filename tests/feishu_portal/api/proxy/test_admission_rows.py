"""A call like one before takes a single statement, and whatever changed since is noticed by that statement."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from auth_sessions.models import TokenUse
from core.access.actors import SYSTEM
from core.access.api_keys import add_api_client, replace_key
from core.access.models import ApiClient
from core.access.scopes import Scope
from core.vault import fields
from feishu_portal.api.problems import Problem
from feishu_portal.api.proxy.admission import AdmittedCall, CallRequest
from feishu_portal.api.proxy.admission_batch import admit_batch
from feishu_portal.api.proxy.admission_rows import RowCache
from feishu_portal.api.proxy.target import Target
from tests.factories import make_bot, make_grant

pytestmark = pytest.mark.django_db
on_postgresql = pytest.mark.only_on("postgres")

SCOPES = [Scope.PROXY_USER, Scope.PROXY_APP]


class Caller:
    """Calls for one person, one batch after the other."""

    def __init__(self) -> None:
        self.bot = make_bot()
        self.grant = make_grant(self.bot)
        self.client, self.key = add_api_client(
            name="crm", scopes=SCOPES, bots=[], expires_at=None, actor=SYSTEM
        )
        self.cache = RowCache()

    def request(self, *, open_id: str = "ou_asked", path: str = "tasks", tenant_key: str = "") -> CallRequest:
        target = Target(self.bot.app_id, open_id, "GET", ("open-apis", "task", "v2", path), "")
        return CallRequest(self.key, target, tenant_key)

    def calls(self, *requests: CallRequest):
        return admit_batch(requests or [self.request()], self.cache)

    def known(self) -> "Caller":
        [admitted] = self.calls()
        assert isinstance(admitted, AdmittedCall)
        self.calls()  # the first call noted the key's use, which made a new version of its row
        return self


@pytest.fixture
def caller() -> Caller:
    return Caller().known()


@on_postgresql
def test_call_like_one_before_takes_one_statement(caller, django_assert_num_queries):
    before = TokenUse.objects.count()
    with django_assert_num_queries(1):
        [admitted] = caller.calls()
    assert isinstance(admitted, AdmittedCall)
    assert admitted.token == "access-token-1"
    assert TokenUse.objects.count() == before + 1


@on_postgresql
@pytest.mark.parametrize(
    "rules",
    [
        ["GET /open-apis/**"],
        ["deny DELETE /open-apis/**", "GET /open-apis/**", "ask * /open-apis/**"],
        ["ask POST /open-apis/** receive_id=oc_1", "* /open-apis/task/**", "deny * /open-apis/** oc_1"],
    ],
)
def test_rules_cost_a_call_that_is_allowed_no_statement(caller, rules, django_assert_num_queries):
    ApiClient.objects.update(proxy_paths=rules)
    caller.known()
    with django_assert_num_queries(1):
        [admitted] = caller.calls()
    assert isinstance(admitted, AdmittedCall)


@on_postgresql
def test_calls_that_come_together_share_the_statement(caller, django_assert_num_queries):
    caller.calls(caller.request(open_id=""))
    with django_assert_num_queries(1):
        results = caller.calls(caller.request(), caller.request(path="lists"), caller.request(open_id=""))
    assert [result.use.open_id for result in results] == ["ou_asked", "ou_asked", ""]
    for result in results:
        written = TokenUse.objects.get(pk=result.use.pk)
        assert (written.open_id, written.path) == (result.use.open_id, result.use.path)


@on_postgresql
def test_what_it_writes_down_is_what_a_call_read_writes_down(caller):
    caller.calls()
    cached, read = TokenUse.objects.order_by("-id")[0], TokenUse.objects.order_by("id")[0]
    for field in TokenUse._meta.fields:
        if field.name not in {"id", "at"}:
            assert getattr(cached, field.name) == getattr(read, field.name), field.name


def test_new_token_is_sent_at_once(caller):
    caller.grant.access_token, caller.grant.generation = "access-token-2", 2
    caller.grant.save()
    [admitted] = caller.calls()
    assert (admitted.token, admitted.use.generation) == ("access-token-2", 2)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda caller: setattr(caller.client, "enabled", False), "caller_unauthenticated"),
        (lambda caller: setattr(caller.client, "scopes", [Scope.PROXY_APP]), "not_permitted"),
        (lambda caller: setattr(caller.client, "all_bots", False), "not_found"),
        (lambda caller: setattr(caller.client, "proxy_paths", ["GET /open-apis/im/**"]), "path_not_allowed"),
        (lambda caller: replace_key(caller.client, actor=SYSTEM), "caller_unauthenticated"),
        (lambda caller: setattr(caller.bot, "enabled", False), "bot_disabled"),
        (lambda caller: setattr(caller.bot, "deleted_at", timezone.now()), "not_found"),
        (lambda caller: caller.grant.delete(), "token_not_found"),
        (lambda caller: make_grant(caller.bot, tenant_key="other"), "tenant_key_required"),
    ],
    ids=[
        "client off",
        "scope",
        "bots",
        "paths",
        "key",
        "bot off",
        "bot deleted",
        "grant gone",
        "two tenants",
    ],
)
def test_whatever_was_taken_away_is_gone_with_the_next_call(caller, change, code):
    before = TokenUse.objects.count()
    change(caller)
    caller.client.save()
    caller.bot.save()
    [refusal] = caller.calls()
    assert isinstance(refusal, Problem)
    assert refusal.code == code
    assert TokenUse.objects.count() == before


def test_key_ends_at_its_time(caller, time_machine):
    time_machine.move_to(timezone.now())
    caller.client.expires_at = timezone.now() + timedelta(seconds=30)
    caller.client.save()
    assert [type(result) for result in (*caller.calls(), *caller.calls())] == [AdmittedCall, AdmittedCall]
    time_machine.shift(31)
    [refusal] = caller.calls()
    assert refusal.code == "caller_unauthenticated"


def test_others_find_nothing_of_what_is_cached(caller):
    _client, caller.key = add_api_client(
        name="stranger", scopes=SCOPES, bots=[make_bot()], expires_at=None, actor=SYSTEM
    )
    [refusal] = caller.calls()
    assert refusal.code == "not_found"


def test_uses_of_key_and_grant_are_noted_though_rows_are_cached(caller, time_machine):
    time_machine.move_to(timezone.now() + timedelta(minutes=6))
    caller.calls()
    caller.client.refresh_from_db()
    caller.grant.refresh_from_db()
    assert caller.client.last_used_at == pytest.approx(timezone.now(), abs=timedelta(seconds=5))
    assert caller.grant.used_at == pytest.approx(timezone.now(), abs=timedelta(seconds=5))


def test_cache_holds_no_secret_in_the_clear(caller):
    cached = caller.cache.get(caller.request())
    if connection.vendor == "sqlite":
        assert cached is None  # its rows have no versions
        return
    held = f"{caller.cache.__dict__} {vars(cached.cached_grant)} {vars(cached.cached_bot)}"
    for secret in ("access-token-1", "refresh-token-1", caller.bot.app_secret, caller.key):
        assert secret not in held


def test_call_for_a_person_opens_no_app_secret(caller, monkeypatch):
    opened = []
    unseal = fields.unseal
    monkeypatch.setattr(
        fields, "unseal", lambda sealed, *, binding: opened.append(binding) or unseal(sealed, binding=binding)
    )
    [for_person] = caller.calls()
    assert [binding.partition(":")[0] for binding in opened] == ["auth_sessions.usertoken.access_token"]
    assert for_person.credentials is None
    [as_bot] = caller.calls(caller.request(open_id=""))
    assert as_bot.credentials.app_secret == caller.bot.app_secret
