import re
from collections.abc import Iterator
from datetime import timedelta

import httpx2
import pytest
import respx
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bots.enums import Transport
from bots.models import Bot, Checkup, Incident, StoredFinding
from core.access.models import AuditEntry, User
from core.access.roles import Role
from core.vault.fields import encrypted_field
from tests.console.rows import (
    Rows,
    list_of,
    make_rows,
    messages_of,
    page_of,
    signed_in,
    text_of,
)
from tests.factories import PLATFORM, make_operator
from tests.services.proxy import LoopbackProxy

CREDENTIALS = {
    "app_secret": "",
    "encrypt_key": "",
    "verification_token": "",
    "next_encrypt_key": "",
    "next_verification_token": "",
    "rotation_days": "7",
    "proxy_url": "",
}


def form_of(bot: Bot, **values: object) -> dict[str, object]:
    """The form as a browser sends it when nothing was touched."""
    return (
        {
            "name": bot.name,
            "platform": bot.platform,
            "open_url": bot.open_url,
            "accounts_url": bot.accounts_url,
            "browser_url": bot.browser_url,
            "token_endpoint": bot.token_endpoint,
            "transport": bot.transport,
            "slot_count": bot.slot_count,
            "stale_after_minutes": bot.stale_after_minutes,
            "handlers_per_second": bot.handlers_per_second,
            "group_policy": bot.group_policy,
            "enabled": "on",
            "connect": "on",
            "auth_scopes": "\r\n".join(bot.auth_scopes),
            "slots-TOTAL_FORMS": "0",
            "slots-INITIAL_FORMS": "0",
        }
        | CREDENTIALS
        | values
    )


def new_bot(**values: object) -> dict[str, object]:
    return (
        {
            "name": "Approvals",
            "app_id": "cli_a1b2c3d4e5f60718",
            "platform": "feishu",
            "open_url": "",
            "accounts_url": "",
            "transport": "websocket",
            "slot_count": "2",
            "auth_scopes": "offline_access\ncontact:user.base:readonly\n",
        }
        | CREDENTIALS
        | {"app_secret": "the-app-secret"}
        | values
    )


def test_adding_a_bot_stores_its_secret_arranges_its_connections_and_is_audited(as_superuser: Client) -> None:
    assert as_superuser.post(reverse("admin:bots_bot_add"), new_bot()).status_code == 302
    bot = Bot.objects.get(app_id="cli_a1b2c3d4e5f60718")
    assert bot.app_secret == "the-app-secret"
    assert bot.auth_scopes == ["offline_access", "contact:user.base:readonly"]
    assert bot.slots.count() == 2
    entry = AuditEntry.objects.get(action="bot.created")
    assert (entry.actor, entry.app_id) == ("operator:root", bot.app_id)
    assert "the-app-secret" not in str(entry.detail)


def test_adding_a_bot_needs_an_app_secret(as_superuser: Client) -> None:
    answer = as_superuser.post(reverse("admin:bots_bot_add"), new_bot(app_secret=""))
    assert answer.context["adminform"].form.errors["app_secret"]
    assert not Bot.objects.exists()


def test_operator_who_adds_a_bot_owns_it(stranger: User) -> None:
    signed_in(stranger).post(reverse("admin:bots_bot_add"), new_bot())
    assert list(Bot.objects.get(app_id="cli_a1b2c3d4e5f60718").owners.all()) == [stranger]


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.VIEWER])
def test_who_may_manage_nothing_adds_no_bot(role: Role, db: None) -> None:
    assert (
        signed_in(make_operator(role=role)).post(reverse("admin:bots_bot_add"), new_bot()).status_code == 403
    )


def test_empty_secret_keeps_what_is_stored(rows: Rows, as_owner: Client) -> None:
    as_owner.post(page_of("bots_bot", rows.bot), form_of(rows.bot, name="Renamed"))
    bot = Bot.objects.get(pk=rows.bot.pk)
    assert (bot.name, bot.app_secret, bot.encrypt_key) == ("Renamed", "the-app-secret", "the-encrypt-key")
    assert AuditEntry.objects.filter(action="bot.updated").latest("id").detail == {
        "changed": ["name"],
        "values": {"name": [rows.bot.name, "Renamed"]},
    }


def test_new_secret_replaces_the_stored_one_and_only_its_name_is_audited(
    rows: Rows, as_owner: Client
) -> None:
    as_owner.post(page_of("bots_bot", rows.bot), form_of(rows.bot, app_secret="the-new-secret"))
    assert Bot.objects.get(pk=rows.bot.pk).app_secret == "the-new-secret"
    assert AuditEntry.objects.filter(action="bot.updated").latest("id").detail == {"changed": ["app_secret"]}


def test_encrypt_key_can_be_removed_but_the_app_secret_cannot(rows: Rows, as_owner: Client) -> None:
    form = form_of(rows.bot, **{"encrypt_key-remove": "1", "app_secret-remove": "1"})
    as_owner.post(page_of("bots_bot", rows.bot), form)
    bot = Bot.objects.get(pk=rows.bot.pk)
    assert (bot.app_secret, bot.encrypt_key) == ("the-app-secret", "")


def test_form_with_another_error_leaves_secrets_alone(rows: Rows, as_owner: Client) -> None:
    form = form_of(rows.bot, name="", app_secret="the-new-secret")
    answer = as_owner.post(page_of("bots_bot", rows.bot), form)
    assert answer.status_code == 200
    assert "the-new-secret" not in text_of(answer)
    assert Bot.objects.get(pk=rows.bot.pk).app_secret == "the-app-secret"


@pytest.mark.parametrize("open_url", ["", "no address"])
def test_page_of_a_refused_form_speaks_of_the_bot_as_it_is_stored(
    rows: Rows, as_superuser: Client, open_url: str
) -> None:
    typed = form_of(rows.bot, name="Another name", platform="custom", open_url=open_url, app_secret="x")
    answer = as_superuser.post(page_of("bots_bot", rows.bot), typed)
    assert answer.context["adminform"].form.errors
    assert answer.context["original"].page_title == rows.bot.name


def test_page_opens_and_takes_a_new_secret_when_the_key_is_lost(
    rows: Rows, as_owner: Client, settings
) -> None:
    settings.ENCRYPTION_KEYS = ["cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="]
    assert as_owner.get(page_of("bots_bot", rows.bot)).status_code == 200
    as_owner.post(page_of("bots_bot", rows.bot), form_of(rows.bot, app_secret="the-new-secret"))
    assert Bot.objects.get(pk=rows.bot.pk).app_secret == "the-new-secret"


def test_secret_fields_say_whether_there_is_one(rows: Rows, as_owner: Client) -> None:
    Bot.objects.filter(pk=rows.bot.pk).update(verification_token="")
    html = text_of(as_owner.get(page_of("bots_bot", rows.bot)))
    assert html.count("Set. Leave empty to keep it.") == 3
    assert html.count("Not set") == 1
    assert 'type="password" name="app_secret"' in html


def test_scopes_with_blanks_are_refused(rows: Rows, as_owner: Client) -> None:
    answer = as_owner.post(page_of("bots_bot", rows.bot), form_of(rows.bot, auth_scopes="one two"))
    assert answer.context["adminform"].form.errors["auth_scopes"]


def test_app_id_of_a_bot_cannot_be_changed(rows: Rows, as_superuser: Client) -> None:
    as_superuser.post(page_of("bots_bot", rows.bot), form_of(rows.bot, app_id="cli_ffffffffffffffff"))
    assert Bot.objects.get(pk=rows.bot.pk).app_id == rows.bot.app_id


def test_owner_cannot_name_other_owners(rows: Rows, as_owner: Client, owner: User, stranger: User) -> None:
    as_owner.post(page_of("bots_bot", rows.bot), form_of(rows.bot, owners=[str(stranger.pk)]))
    assert list(rows.bot.owners.all()) == [owner]


def test_owners_are_offered_by_name_to_those_alone_who_see_every_operator(
    rows: Rows, as_superuser: Client, as_owner: Client, owner: User, stranger: User
) -> None:
    page = text_of(as_superuser.get(page_of("bots_bot", rows.bot)))
    offered = re.findall(r'name="owners" value="(\d+)"( checked)?> <span>([^<]+)<', page)
    assert offered[0] == (str(owner.pk), " checked", owner.username)
    assert (str(stranger.pk), "", stranger.username) in offered
    assert 'name="owners"' not in text_of(as_owner.get(page_of("bots_bot", rows.bot)))


def test_new_owners_are_audited_by_name(
    rows: Rows, as_superuser: Client, owner: User, stranger: User
) -> None:
    as_superuser.post(page_of("bots_bot", rows.bot), form_of(rows.bot, owners=[str(stranger.pk)]))
    assert list(rows.bot.owners.all()) == [stranger]
    entry = AuditEntry.objects.filter(action="bot.updated").latest("pk")
    assert entry.detail["values"]["owners"] == [[owner.username], [stranger.username]]
    assert "owners" in entry.detail["changed"]


def test_page_shows_redirect_url_and_the_state_of_connections(rows: Rows, as_owner: Client) -> None:
    html = text_of(as_owner.get(page_of("bots_bot", rows.bot)))
    assert f'data-copy="https://portal.test/oauth/callback/{rows.bot.app_id}/"' in html
    assert "App ID or App Secret is wrong" in html
    assert "10014" in html


def test_error_of_a_connection_is_told_in_the_operators_language(rows: Rows, owner: User) -> None:
    html = text_of(signed_in(owner, "zh-CN").get(page_of("bots_bot", rows.bot)))
    assert "App ID 或 App Secret 不正确" in html


def test_page_says_what_needs_no_address_and_warns_of_scopes_without_refresh(
    rows: Rows, as_owner: Client, settings
) -> None:
    settings.PUBLIC_URL = ""
    Bot.objects.filter(pk=rows.bot.pk).update(auth_scopes=["contact:user.base:readonly"])
    said = text_of(as_owner.get(page_of("bots_bot", rows.bot)))
    assert "Not set: people authorize by device code" in said
    assert "The bot does not ask for it: every grant ends after two hours" in said


def test_webhook_bot_shows_its_request_url_and_no_connections(owner: User) -> None:
    bot = make_rows(transport=Transport.WEBHOOK).bot
    bot.owners.add(owner)
    answer = signed_in(owner).get(page_of("bots_bot", bot))
    assert f"https://portal.test/api/feishu/webhook/{bot.app_id}" in text_of(answer)
    assert answer.context["inline_admin_formsets"] == []


@pytest.mark.parametrize(
    ("before", "action", "audited"),
    [(True, "switch_off", "bot.disabled"), (False, "switch_on", "bot.enabled")],
)
def test_bots_are_switched_from_the_list(
    *, before: bool, action: str, audited: str, rows: Rows, as_owner: Client
) -> None:
    Bot.objects.filter(pk=rows.bot.pk).update(enabled=before)
    chosen = {"action": action, "_selected_action": [str(rows.bot.pk)], "sure": "yes"}
    as_owner.post(list_of("bots_bot"), chosen)
    assert Bot.objects.get(pk=rows.bot.pk).enabled is not before
    assert AuditEntry.objects.latest("id").action == audited


def test_switching_on_the_bots_page_asks_first(rows: Rows, as_owner: Client) -> None:
    address = page_of("bots_bot", rows.bot, "toggle")
    assert 'data-testid="ask"' in text_of(as_owner.get(address))
    assert Bot.objects.get(pk=rows.bot.pk).enabled
    as_owner.post(address)
    assert not Bot.objects.get(pk=rows.bot.pk).enabled


def test_reconnecting_asks_first_and_replaces_the_connections(rows: Rows, as_owner: Client) -> None:
    address = page_of("bots_bot", rows.bot, "reconnect")
    assert 'data-testid="ask"' in text_of(as_owner.get(address))
    assert Bot.objects.get(pk=rows.bot.pk).reconnect_asked_at is None
    as_owner.post(address)
    assert Bot.objects.get(pk=rows.bot.pk).reconnect_asked_at is not None
    assert AuditEntry.objects.latest("id").action == "bot.connect"


def test_bot_that_is_switched_off_is_not_reconnected(rows: Rows, as_owner: Client) -> None:
    Bot.objects.filter(pk=rows.bot.pk).update(enabled=False)
    as_owner.post(page_of("bots_bot", rows.bot, "reconnect"))
    assert Bot.objects.get(pk=rows.bot.pk).reconnect_asked_at is None


@pytest.fixture
def refusing_platform() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=PLATFORM) as platform:
        platform.post("/open-apis/auth/v3/tenant_access_token/internal").respond(
            json={"code": 10014, "msg": "app secret invalid"}, headers={"X-Tt-Logid": "log-1"}
        )
        platform.post("/callback/ws/endpoint").mock(side_effect=httpx2.ConnectError("no route"))
        yield platform


def check_again(client: Client, bot: Bot) -> HttpResponse:
    """As the button of the checklist does."""
    return client.post(page_of("bots_bot", bot, "check_again"), follow=True)


def test_checklist_names_what_is_in_order_and_explains_what_is_not(
    rows: Rows, as_owner: Client, refusing_platform: respx.MockRouter
) -> None:
    answer = check_again(as_owner, rows.bot)
    assert answer.redirect_chain[-1][0].endswith("#checklist")
    said = text_of(answer)
    assert "App ID or App Secret is wrong, or the app is disabled" in said
    assert "10014" in said
    assert "Compare App ID" in said
    assert "log-1" in said
    assert "Long connections allowed" in said
    assert "The proxy opened no way" in said
    assert "Stored App Secret" in said
    assert rows.bot.app_secret not in answer.content.decode()


def test_checklist_is_there_without_an_examination_and_looking_at_it_asks_the_platform_nothing(
    rows: Rows, as_owner: Client
) -> None:
    with respx.mock(base_url=PLATFORM, assert_all_called=False) as platform:
        answer = as_owner.get(page_of("bots_bot", rows.bot, "check_again"), follow=True)
        assert not platform.calls
    assert "Being checked for the first time" in text_of(answer)
    assert "Stored App Secret" in text_of(answer)


def test_checking_again_at_once_asks_the_platform_nothing(
    rows: Rows, as_owner: Client, refusing_platform: respx.MockRouter
) -> None:
    check_again(as_owner, rows.bot)
    calls = refusing_platform.calls.call_count
    assert messages_of(check_again(as_owner, rows.bot)) == [
        "It was checked a few seconds ago. Changes in the developer console take a moment."
    ]
    assert refusing_platform.calls.call_count == calls


def test_owner_does_not_learn_how_a_typed_proxy_failed_and_a_superuser_does(
    rows: Rows, as_owner: Client, as_superuser: Client
) -> None:
    told: dict[str, set[str]] = {"page": set(), "superuser": set()}
    for mood in ("forbidding", "gibberish"):
        with LoopbackProxy(mood=mood) as proxy:
            rows.bot.platform, rows.bot.app_secret, rows.bot.proxy_url = (
                "feishu",
                "s",
                f"http://ops:hush@{proxy.address}",
            )
            rows.bot.save()
            Checkup.objects.filter(bot=rows.bot).update(asked_at=None)
            told["superuser"].update(messages_of(check_again(as_superuser, rows.bot))[1:])
            for client in (as_owner, as_superuser):
                page = client.get(page_of("bots_bot", rows.bot, "change"))
                finding = StoredFinding.objects.get(bot=rows.bot, check_name="credentials")
                assert finding.cause_en in text_of(page)
                told["page"].add(finding.cause_en)
    [kept] = told["page"]
    assert "The proxy opened no way" in kept
    assert len(told["superuser"]) == 2
    assert any("The proxy forbids" in text for text in told["superuser"])


def test_secret_that_cannot_be_opened_is_told(rows: Rows, as_owner: Client, settings) -> None:
    settings.ENCRYPTION_KEYS = ["cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="]
    assert "ENCRYPTION_KEYS" in text_of(as_owner.get(page_of("bots_bot", rows.bot, "change")))
    assert "ENCRYPTION_KEYS" in text_of(check_again(as_owner, rows.bot))


def test_sealed_secret_of_the_row_is_untouched_by_a_save(rows: Rows, as_owner: Client) -> None:
    before = Bot.objects.values_list("app_secret", flat=True).get(pk=rows.bot.pk)
    as_owner.post(page_of("bots_bot", rows.bot), form_of(rows.bot, name="Renamed"))
    assert Bot.objects.values_list("app_secret", flat=True).get(pk=rows.bot.pk) == before
    assert encrypted_field(Bot, "app_secret").is_set(Bot.objects.get(pk=rows.bot.pk))


def test_bot_of_today_had_no_outage_since_it_was_added_and_not_for_30_days(
    rows: Rows, as_owner: Client
) -> None:
    Bot.objects.filter(pk=rows.bot.pk).update(created_at=timezone.now() - timedelta(hours=1))
    assert "No outage since it was added." in text_of(as_owner.get(page_of("bots_bot", rows.bot)))
    Bot.objects.filter(pk=rows.bot.pk).update(created_at=timezone.now() - timedelta(days=60))
    assert "No outage in 30 days." in text_of(as_owner.get(page_of("bots_bot", rows.bot)))


def test_page_has_the_past_30_days_of_a_bot_with_connections(rows: Rows, as_owner: Client) -> None:
    began = timezone.now() - timedelta(minutes=10)
    Bot.objects.filter(pk=rows.bot.pk).update(created_at=began - timedelta(hours=10))
    Incident.objects.create(bot=rows.bot, cause="not_connected", began_at=began, closed_at=timezone.now())
    html = text_of(as_owner.get(page_of("bots_bot", rows.bot)))
    assert "98.3" in html.partition('data-testid="uptime-percent"')[2][:20]
    assert "without a connection for 10 min" in html
    Bot.objects.update(transport="webhook", callback_transport="")
    assert "uptime-percent" not in text_of(as_owner.get(page_of("bots_bot", rows.bot)))
