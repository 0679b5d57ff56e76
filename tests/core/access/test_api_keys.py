"""Keys of API clients."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core.access.actors import SYSTEM
from core.access.api_keys import LAST_USED_STEP, add_api_client, client_of, replace_key
from core.access.models import ApiClient, AuditEntry
from core.access.scopes import Scope
from tests.factories import make_bot

pytestmark = pytest.mark.django_db


def add(**values) -> tuple[ApiClient, str]:
    defaults = {
        "name": "CRM",
        "scopes": [Scope.BOTS_READ],
        "bots": [],
        "expires_at": None,
        "actor": SYSTEM,
    }
    return add_api_client(**(defaults | values))


def test_key_opens_the_api_and_is_stored_nowhere() -> None:
    client, key = add()
    assert client_of(key) == client
    assert key.startswith(f"fp_{client.prefix}_")
    stored = str([*ApiClient.objects.values(), *AuditEntry.objects.values()])
    assert key not in stored
    assert key.split("_", 2)[2] not in stored  # it may hold underscores itself


@pytest.mark.parametrize(
    "values", [{"enabled": False}, {"expires_at": timezone.now() - timedelta(seconds=1)}]
)
def test_key_of_a_disabled_or_expired_client_opens_nothing(values) -> None:
    client, key = add()
    ApiClient.objects.filter(pk=client.pk).update(**values)
    assert client_of(key) is None


@pytest.mark.parametrize("key", ["", "fp_", "fp_0_0", "Bearer", "\x00"])
def test_other_text_opens_nothing(key) -> None:
    add()
    assert client_of(key) is None


def test_replaced_key_opens_nothing_any_more() -> None:
    client, old = add()
    new = replace_key(client, actor=SYSTEM)
    assert client_of(old) is None
    assert client_of(new) == client


def test_last_use_is_written_once_a_minute(time_machine, django_assert_num_queries) -> None:
    time_machine.move_to(timezone.now(), tick=False)
    client, key = add()
    with django_assert_num_queries(2):
        client_of(key)
    with django_assert_num_queries(1):
        client_of(key)
    time_machine.shift(LAST_USED_STEP + timedelta(seconds=1))
    client_of(key)
    client.refresh_from_db()
    assert client.last_used_at == timezone.now()


def test_client_may_use_its_own_bots_alone() -> None:
    own, other = make_bot(), make_bot()
    client, _key = add(bots=[own])
    everywhere, _key = add(name="BI")
    assert (client.may_use(own.pk), client.may_use(other.pk)) == (True, False)
    assert everywhere.may_use(other.pk)
    assert (client.may(Scope.BOTS_READ), client.may(Scope.BOTS_MANAGE)) == (True, False)
