"""What becomes of an app that somebody has confirmed: whose bot it is, and where it does not become one."""

import logging

import pytest

from bots.enums import RegistrationFailure, RegistrationState
from bots.models import Bot, ConnectionSlot, Registration, default_scopes
from bots.registration import flow
from core.access.models import AuditEntry, User
from tests.bots.registering import APP, APP_ID, SECRET, Platforms, make_due
from tests.factories import make_bot, make_operator

pytestmark = pytest.mark.django_db


def confirmed(
    platforms: Platforms, operator: User, *, bot: Bot | None = None, **answer: object
) -> Registration:
    """A registration that somebody has confirmed."""
    registration = flow.begin(operator, bot=bot)
    platforms.answers = [APP | answer]
    make_due(registration)
    flow.poll(registration.pk)
    registration.refresh_from_db()
    return registration


def feishu_bot(**values: object) -> Bot:
    return make_bot(platform="feishu", open_url="", accounts_url="", **values)


def test_bot_of_the_operator_is_made_connected_named_and_audited(platforms, operator):
    registration = confirmed(platforms, operator)
    bot = Bot.objects.get()
    assert (registration.state, registration.bot) == (RegistrationState.DONE, bot)
    assert (registration.device_code, registration.address) == ("", "")
    assert (bot.app_id, bot.app_secret, bot.platform) == (APP_ID, SECRET, "feishu")
    assert (bot.name, bot.open_id) == ("李雷的 助手", "ou_bot")
    assert (bot.enabled, bot.connect, bot.auth_scopes) == (True, True, default_scopes())
    assert bot.asks_by_device_code
    assert list(bot.owners.all()) == [operator]
    assert ConnectionSlot.objects.filter(bot=bot).count() == 1
    entry = AuditEntry.objects.get(action="bot.created")
    assert (entry.actor, entry.bot_id) == ("operator:lin", bot.pk)


def test_bot_goes_by_its_app_id_where_the_platform_does_not_name_it(platforms, operator):
    platforms.bot_info.respond(json={"code": 99991672, "msg": "no"})
    confirmed(platforms, operator)
    assert Bot.objects.get().name == APP_ID


def test_superuser_owns_the_bot_as_well(platforms):
    root = make_operator(superuser=True)
    confirmed(platforms, root)
    assert list(Bot.objects.get().owners.all()) == [root]


def test_secret_of_a_bot_of_one_s_own_is_renewed(platforms, operator):
    bot = feishu_bot()
    Bot.objects.filter(pk=bot.pk).update(app_id=APP_ID, name="Approvals")
    bot.owners.add(operator)
    registration = confirmed(platforms, operator)
    bot.refresh_from_db()
    assert (registration.state, registration.bot) == (RegistrationState.DONE, bot)
    assert (bot.app_secret, bot.name, bot.platform) == (SECRET, "Approvals", "feishu")
    assert AuditEntry.objects.filter(action="bot.updated", actor="operator:lin", bot_id=bot.pk).exists()


def test_bot_that_was_set_to_the_other_brand_is_set_right(platforms, operator):
    bot = feishu_bot()
    Bot.objects.filter(pk=bot.pk).update(app_id=APP_ID)
    bot.owners.add(operator)
    lark = {"user_info": {"open_id": "ou_1", "tenant_brand": "lark"}}
    registration = flow.begin(operator)
    platforms.answers = [{"error": "authorization_pending", **lark}, APP | lark]
    make_due(registration)
    flow.poll(registration.pk)
    bot.refresh_from_db()
    assert (bot.platform, bot.app_secret) == ("lark", SECRET)


def test_bot_at_addresses_of_its_own_keeps_them(platforms, operator):
    bot = make_bot()
    Bot.objects.filter(pk=bot.pk).update(app_id=APP_ID)
    bot.owners.add(operator)
    assert confirmed(platforms, operator).state == RegistrationState.DONE
    renewed = Bot.objects.get()
    assert (renewed.platform, renewed.open_url) == ("custom", bot.open_url)
    assert renewed.app_secret == SECRET


def test_bot_of_others_is_left_alone(platforms, operator):
    bot = feishu_bot(app_secret="the-owner-s-secret")
    Bot.objects.filter(pk=bot.pk).update(app_id=APP_ID)
    registration = confirmed(platforms, operator)
    assert (registration.state, registration.failure, registration.detail, registration.bot) == (
        RegistrationState.FAILED,
        RegistrationFailure.NOT_YOURS,
        APP_ID,
        None,
    )
    assert Bot.objects.get().app_secret == "the-owner-s-secret"
    assert not AuditEntry.objects.filter(action="bot.updated").exists()


@pytest.mark.parametrize("lost", [{"role": "viewer"}, {"role": "auditor"}, {"is_active": False}])
def test_operator_who_may_no_longer_add_bots_gets_none(platforms, operator, lost):
    registration = flow.begin(operator)
    User.objects.update(**lost)
    platforms.answers = [APP]
    make_due(registration)
    flow.poll(registration.pk)
    registration.refresh_from_db()
    assert registration.failure == RegistrationFailure.NOT_ALLOWED
    assert not Bot.objects.exists()


def test_app_that_was_extended_keeps_its_bot_and_renews_its_secret(platforms, operator):
    bot = feishu_bot()
    bot.owners.add(operator)
    registration = confirmed(platforms, operator, bot=bot, client_id=bot.app_id)
    assert (registration.state, registration.bot) == (RegistrationState.DONE, bot)
    assert Bot.objects.get().app_secret == SECRET


def test_owner_without_the_permission_to_add_bots_may_extend_the_own_one(platforms):
    owner, bot = make_operator(), feishu_bot()
    bot.owners.add(owner)
    assert confirmed(platforms, owner, bot=bot, client_id=bot.app_id).state == RegistrationState.DONE


def test_another_app_than_the_bot_s_changes_nothing(platforms, operator):
    bot = feishu_bot()
    bot.owners.add(operator)
    registration = confirmed(platforms, operator, bot=bot)
    assert (registration.failure, registration.detail) == (RegistrationFailure.OTHER_APP, APP_ID)
    assert Bot.objects.get().app_secret != SECRET


def test_owner_who_was_removed_meanwhile_renews_no_secret(platforms, operator):
    bot = feishu_bot()
    assert (
        confirmed(platforms, operator, bot=bot, client_id=bot.app_id).failure == RegistrationFailure.NOT_YOURS
    )
    assert Bot.objects.get().app_secret != SECRET


def test_app_that_cannot_be_stored_is_named_and_its_secret_is_not(platforms, operator, caplog):
    caplog.set_level(logging.DEBUG)
    registration = confirmed(platforms, operator, client_id="not-an-app-id")
    assert (registration.failure, registration.detail) == (RegistrationFailure.NOT_STORED, "not-an-app-id")
    assert not Bot.objects.exists()
    assert SECRET not in caplog.text
    assert not any(SECRET in str(vars(record)) for record in caplog.records)


def test_code_that_was_confirmed_and_replaced_at_once_brings_its_app(platforms, operator, monkeypatch):
    """The platform gives the secret once."""
    registration = flow.begin(operator)
    platforms.answers = [APP]
    make_due(registration)
    monkeypatch.setattr(flow, "give_back", lambda **_named: None)
    follow = flow._follow

    def replaced(*arguments: object) -> None:
        flow.begin(operator, again=True)
        follow(*arguments)

    monkeypatch.setattr(flow, "_follow", replaced)
    flow.poll(registration.pk)
    assert Bot.objects.get().app_secret == SECRET
    registration.refresh_from_db()
    assert registration.state == RegistrationState.DONE
