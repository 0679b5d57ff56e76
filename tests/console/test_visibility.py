"""Who sees what: an owner the own bots, a stranger nothing, a superuser everything."""

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from auth_sessions.enums import SessionState
from auth_sessions.models import AuthSession
from bots.models import Bot
from core.access.actors import SYSTEM
from core.access.audit import record
from core.access.models import AuditEntry, User
from tests.console.rows import PAGES, Rows, list_of, make_session, page_of, text_of

# Pages whose stranger is tested elsewhere, since their rows hang together in another way.
TESTED_ELSEWHERE = {
    "access_auditentry": "test_audit_log_shows_an_owner_the_own_bots_alone",
    "bots_cardtemplate": "tests/bots/admin/test_card_templates.py",
    "bots_person": "tests/auth_sessions/admin/test_people.py",
    "greetings_greeting": "tests/feishu_portal/greetings/admin/test_greetings.py",
    "events_handledbot": "tests/events/admin/test_handlers.py",
    "events_replayjob": "tests/events/admin/test_event_log.py",
    "events_shedcount": "counts of the whole portal: they name nobody",
    "events_subscription": "tests/events/admin/test_subscriptions.py",
}
MACHINE_WRITTEN = sorted(set(PAGES) - {"bots_bot", "alerts_alertreceiver"})
SUPERUSERS_OWN = ("access_user", "access_apiclient", "auth_sessions_agentaccess", "bots_fleetprocess")


def row_actions() -> list[tuple[str, str]]:
    """Page and action, of every action on one row that the console has."""
    admin.autodiscover()
    return [
        (page, name)
        for page, model in PAGES.items()
        for name in dict.fromkeys(names_of((*site_of(model).actions_row, *site_of(model).actions_detail)))
    ]


def names_of(actions: Iterable[Any]) -> Iterator[str]:
    """The actions by name; some stand in a menu."""
    for action in actions:
        yield from action["items"] if isinstance(action, dict) else (action,)


def site_of(model: type[Model]) -> Any:
    return admin.site.get_model_admin(model)


def test_every_page_of_the_console_is_tested_with_a_stranger() -> None:
    admin.autodiscover()
    pages = {model._meta.label_lower.replace(".", "_") for model in admin.site._registry}
    assert pages == {*PAGES, *TESTED_ELSEWHERE, *SUPERUSERS_OWN}


def results(client: Client, page: str) -> list[object]:
    return list(client.get(list_of(page)).context["cl"].result_list)


@pytest.mark.parametrize("page", PAGES)
def test_list_shows_an_owner_the_rows_of_own_bots(page: str, rows: Rows, as_owner: Client) -> None:
    assert results(as_owner, page) == [rows.of(page)]


@pytest.mark.parametrize("page", PAGES)
def test_list_shows_a_stranger_none_of_them(page: str, rows: Rows, as_stranger: Client) -> None:
    assert rows.of(page) not in results(as_stranger, page)


@pytest.mark.parametrize("page", PAGES)
def test_page_opens_for_an_owner(page: str, rows: Rows, as_owner: Client) -> None:
    assert as_owner.get(page_of(page, rows.of(page))).status_code == 200


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", ["change", "delete", "history"])
@pytest.mark.parametrize("page", PAGES)
def test_page_does_not_exist_for_a_stranger(
    page: str, name: str, method: str, rows: Rows, as_stranger: Client
) -> None:
    row = rows.of(page)
    answer = getattr(as_stranger, method)(page_of(page, row, name))
    # What nobody may do is refused before the row is looked for, so it is refused for every row alike.
    is_deleted_by_nobody = name == "delete" and page in MACHINE_WRITTEN
    refused_to_all = is_deleted_by_nobody or (
        name == "change" and method == "post" and page in MACHINE_WRITTEN
    )
    assert answer.status_code == (403 if refused_to_all else 404)
    assert type(row).objects.filter(pk=row.pk).exists()


def test_foreign_row_and_missing_row_look_alike(rows: Rows, as_stranger: Client) -> None:
    foreign = as_stranger.get(page_of("bots_bot", rows.bot))
    missing = as_stranger.get(reverse("admin:bots_bot_change", args=[uuid4()]))
    assert (foreign.status_code, foreign.content) == (missing.status_code, missing.content)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(("page", "action"), row_actions())
def test_action_does_not_exist_for_a_stranger(
    page: str, action: str, method: str, rows: Rows, as_stranger: Client
) -> None:
    assert getattr(as_stranger, method)(page_of(page, rows.of(page), action)).status_code == 404


def test_stranger_cannot_switch_a_foreign_bot_from_the_list(rows: Rows, as_stranger: Client) -> None:
    as_stranger.post(list_of("bots_bot"), {"action": "switch_off", "_selected_action": [str(rows.bot.pk)]})
    assert Bot.objects.get(pk=rows.bot.pk).enabled


def test_stranger_cannot_cancel_a_foreign_session(rows: Rows, as_stranger: Client) -> None:
    session = make_session(rows.bot, SessionState.SENT)
    as_stranger.post(page_of("auth_sessions_authsession", session, "cancel"))
    assert AuthSession.objects.get(pk=session.pk).state == SessionState.SENT


def test_stranger_cannot_ask_in_the_name_of_a_foreign_bot(rows: Rows, as_stranger: Client) -> None:
    before = AuthSession.objects.count()
    form = {"bot": str(rows.bot.pk), "open_ids": "ou_somebody", "once": str(uuid4())}
    answer = as_stranger.post(reverse("admin:auth_sessions_authsession_ask"), form)
    assert answer.context["form"].errors["bot"]
    assert AuthSession.objects.count() == before


def test_foreign_bots_are_no_choices_of_a_filter(rows: Rows, as_stranger: Client) -> None:
    assert rows.bot.name not in text_of(as_stranger.get(list_of("events_event")))


@pytest.mark.parametrize("page", MACHINE_WRITTEN)
def test_nobody_adds_changes_or_deletes_what_the_machine_writes(
    page: str, rows: Rows, as_superuser: Client
) -> None:
    row = rows.of(page)
    assert as_superuser.get(reverse(f"admin:{page}_add")).status_code == 403
    assert as_superuser.post(page_of(page, row)).status_code == 403
    assert as_superuser.post(page_of(page, row, "delete"), {"post": "yes"}).status_code == 403
    assert type(row).objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("page", SUPERUSERS_OWN)
def test_accounts_and_keys_are_for_administrators(page: str, as_owner: Client, as_superuser: Client) -> None:
    assert as_owner.get(list_of(page)).status_code == 403
    assert as_superuser.get(list_of(page)).status_code == 200


def test_sidebar_names_only_what_may_be_opened(as_owner: Client, as_superuser: Client) -> None:
    index = reverse("admin:index")
    assert list_of("access_apiclient") not in text_of(as_owner.get(index))
    assert list_of("access_apiclient") in text_of(as_superuser.get(index))


def test_every_page_leads_to_the_description_of_the_api(as_owner: Client, as_superuser: Client) -> None:
    for client, page in ((as_owner, reverse("connect-agent")), (as_superuser, list_of("access_apiclient"))):
        assert f'href="{reverse("api:openapi-view")}"' in text_of(client.get(page))


def test_audit_log_shows_an_owner_the_own_bots_alone(
    rows: Rows, as_owner: Client, as_stranger: Client
) -> None:
    entry = record(actor=SYSTEM, action="bot.updated", bot=rows.bot, target=rows.bot.name)
    elsewhere = record(actor=SYSTEM, action="operator.created", target="somebody")
    assert entry in results(as_owner, "access_auditentry")
    assert elsewhere not in results(as_owner, "access_auditentry")
    assert entry not in results(as_stranger, "access_auditentry")
    assert as_stranger.get(page_of("access_auditentry", entry)).status_code == 404


def test_audit_log_cannot_be_written(as_superuser: Client) -> None:
    entry = record(actor=SYSTEM, action="bot.updated")
    assert (
        as_superuser.post(page_of("access_auditentry", entry, "delete"), {"post": "yes"}).status_code == 403
    )
    assert AuditEntry.objects.filter(pk=entry.pk).exists()


def test_console_is_closed_to_people_without_a_role(db: None) -> None:
    client = Client()
    client.force_login(User.objects.create_user("guest"))
    assert client.get(list_of("bots_bot")).status_code == 302


@pytest.mark.parametrize(
    ("page", "lookup"),
    [
        ("bots_bot", "app_secret__startswith"),
        ("events_event", "payload__contains"),
        ("auth_sessions_authsession", "start_hash__startswith"),
        ("auth_sessions_usertoken", "access_token__contains"),
        ("events_event", "bot__owners__password__startswith"),
    ],
)
def test_hidden_columns_cannot_be_searched_through_the_address(
    page: str, lookup: str, rows: Rows, as_owner: Client
) -> None:
    assert as_owner.get(list_of(page), {lookup: "a"}).status_code == 400
