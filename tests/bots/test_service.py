from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from bots.connections.slots import seen_slots
from bots.enums import PlatformName, Transport
from bots.models import Bot
from bots.service import BotChanges, delete_bot, put_bot, save_bot, set_enabled
from core.access.actors import SYSTEM, Actor
from core.access.api_keys import add_api_client
from core.access.models import AuditEntry
from core.access.scopes import Scope
from feishu.platforms import FEISHU, LARK
from tests.events.handler_runs import stored_event
from tests.factories import make_bot, make_operator
from tests.services.processes import PATIENCE

pytestmark = pytest.mark.django_db


def put(app_id: str = "cli_a1b2c3d4e5f60718", **values) -> Bot:
    bot, _ = put_bot(
        app_id=app_id, changes=BotChanges({"name": "Helper", "app_secret": "s"} | values), actor=SYSTEM
    )
    return bot


def test_new_bot_gets_its_slots():
    assert [slot.number for slot in put(slot_count=3).slots.all()] == [1, 2, 3]


def test_fewer_slots_take_the_surplus_away():
    put(slot_count=3)
    assert [slot.number for slot in put(slot_count=1).slots.all()] == [1]


def test_empty_secret_keeps_the_stored_one():
    put(app_secret="s3cret")
    assert put(app_secret="", name="Renamed").app_secret == "s3cret"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"app_id": "a1b2"}, "app_id"),
        ({"slot_count": 0}, "slot_count"),
        ({"slot_count": 51}, "slot_count"),
        ({"platform": "wechat"}, "platform"),
        ({"platform": PlatformName.CUSTOM, "open_url": "https://open.example.com"}, "__all__"),
        ({"name": ""}, "name"),
    ],
)
def test_bad_value_is_refused_with_its_field_and_nothing_is_written(values, field):
    with pytest.raises(ValidationError) as caught:
        put(**values)
    assert field in caught.value.message_dict
    assert not Bot.objects.exists()


def test_audit_entry_names_what_changed_and_no_value():
    put(app_secret="s3cret")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.detail["changed"]) == ("bot.created", ["app_secret", "name"])
    assert "s3cret" not in str(entry.detail)


def test_each_brand_has_its_own_addresses():
    assert put().addresses == FEISHU
    assert put(platform=PlatformName.LARK).addresses == LARK
    assert put(token_endpoint="v2").addresses.token_url.endswith("/open-apis/authen/v2/oauth/token")


def test_redirect_uri_is_one_for_each_bot(settings):
    settings.PUBLIC_URL = "https://portal.example.com"
    assert put().redirect_uri == "https://portal.example.com/oauth/callback/cli_a1b2c3d4e5f60718/"
    settings.PUBLIC_URL = ""
    assert put().redirect_uri == ""


def test_wanted_are_the_slots_of_enabled_long_connection_bots(django_assert_num_queries):
    wanted, disabled = make_bot(slot_count=2), make_bot()
    make_bot(transport=Transport.WEBHOOK)
    set_enabled([disabled], enabled=False, actor=Actor("operator", "lin"))
    with django_assert_num_queries(1):
        slots = seen_slots()
    assert {slot.wanted.app_id for slot in slots} == {wanted.app_id}
    assert len(slots) == 2


def test_new_secret_changes_what_is_wanted_and_a_new_name_does_not():
    bot = make_bot()
    [before] = seen_slots()
    put_bot(app_id=bot.app_id, changes=BotChanges({"name": "Other"}), actor=SYSTEM)
    assert seen_slots() == [before]
    put_bot(app_id=bot.app_id, changes=BotChanges({"app_secret": "other"}), actor=SYSTEM)
    assert seen_slots() != [before]


def test_secret_is_not_in_the_repr_of_what_is_wanted():
    make_bot(app_secret="s3cret")
    assert "fingerprint" not in repr(seen_slots())


def test_operator_sees_own_bots_and_a_superuser_all():
    own, other = make_bot(), make_bot()
    operator = make_operator()
    own.owners.add(operator)
    assert list(Bot.objects.visible_to(operator)) == [own]
    assert set(Bot.objects.visible_to(make_operator(superuser=True))) == {own, other}


def test_client_of_a_deleted_bot_has_nothing_of_the_next_one_with_that_app_id():
    bot, other = put(), make_bot()
    client, _key = add_api_client(
        name="crm", scopes=[Scope.PROXY_APP], bots=[bot, other], expires_at=None, actor=SYSTEM
    )
    everybody, _key = add_api_client(
        name="all", scopes=[Scope.PROXY_APP], bots=[], expires_at=None, actor=SYSTEM
    )
    delete_bot(bot, actor=SYSTEM)
    again = put()
    client.refresh_from_db()
    assert not client.may_use(again.pk)
    assert client.may_use(other.pk)
    assert everybody.may_use(again.pk)
    assert str(bot.pk) not in client.bot_ids
    assert AuditEntry.objects.filter(action="api_client.updated", target="crm").count() == 1


@pytest.mark.only_on("postgres")
@pytest.mark.django_db(transaction=True)
def test_what_names_a_bot_is_stored_while_the_bot_is_being_saved():
    bot = put()

    def store_meanwhile() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '10s'")
            stored_event(bot=bot)
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor(1) as elsewhere:
        save_bot(bot, changed=["name"], actor=SYSTEM)
        elsewhere.submit(store_meanwhile).result(PATIENCE)

    assert bot.events.count() == 1
