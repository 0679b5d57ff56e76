import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from core.access.api_keys import client_of
from core.access.models import ApiClient, AuditEntry
from tests.console.rows import list_of, page_of, text_of
from tests.factories import make_bot

ADD = "/admin/access/apiclient/add/"


def form(**values: object) -> dict[str, object]:
    return {"name": "ERP", "scopes": ["bots:read", "auth:create"], "all_bots": "on", "app_ids": []} | values


def key_on(html: str) -> str:
    (key,) = re.findall(r'data-testid="secret">(fp_[^<]+)<', html)
    return key


def test_added_client_gets_a_key_that_is_shown_once(as_superuser: Client) -> None:
    answer = as_superuser.post(ADD, form())
    client = ApiClient.objects.get(name="ERP")
    assert client_of(key_on(text_of(answer))) == client
    assert "no-store" in answer["Cache-Control"]
    for address in (list_of("access_apiclient"), page_of("access_apiclient", client)):
        assert "shown-once" not in text_of(as_superuser.get(address))
    entry = AuditEntry.objects.get(action="api_client.created")
    assert entry.actor == "operator:root"


def test_key_travels_in_no_cookie(as_superuser: Client) -> None:
    key = key_on(text_of(as_superuser.post(ADD, form())))
    assert not any(key in cookie.value for cookie in as_superuser.cookies.values())


@pytest.mark.parametrize(("all_bots", "is_named"), [("", False), ("on", True)])
def test_client_is_for_all_bots_or_for_named_ones(
    all_bots: str, is_named: object, as_superuser: Client
) -> None:
    answer = as_superuser.post(ADD, form(all_bots=all_bots, app_ids=[make_bot().app_id] if is_named else []))
    assert answer.context["adminform"].form.errors["app_ids"]
    assert not ApiClient.objects.exists()


def test_named_bots_are_kept(as_superuser: Client) -> None:
    first, second = make_bot(), make_bot()
    as_superuser.post(ADD, form(all_bots="", app_ids=[second.app_id, first.app_id]))
    client = ApiClient.objects.get()
    assert (client.all_bots, set(client.bot_ids)) == (False, {str(first.pk), str(second.pk)})
    page = as_superuser.get(page_of("access_apiclient", client))
    assert page.context["adminform"].form.initial["app_ids"] == [first.app_id, second.app_id]
    assert f"{first.app_id}, {second.app_id}" in text_of(as_superuser.get(list_of("access_apiclient")))
    entry = AuditEntry.objects.get(action="api_client.created")
    assert entry.detail["app_ids"] == [first.app_id, second.app_id]


def test_app_id_of_no_bot_is_refused(as_superuser: Client) -> None:
    answer = as_superuser.post(ADD, form(all_bots="", app_ids="cli_nobodys"))
    assert "cli_nobodys" in str(answer.context["adminform"].form.errors["app_ids"])
    assert not ApiClient.objects.exists()


def test_bots_are_offered_by_name_and_the_chosen_stand_first(
    api_client: ApiClient, as_superuser: Client
) -> None:
    other, chosen = make_bot(name="A & B"), make_bot(name="Zoo")
    ApiClient.objects.update(all_bots=False, bot_ids=[str(chosen.pk)])
    page = text_of(as_superuser.get(page_of("access_apiclient", api_client)))
    first, second = re.findall(r'name="app_ids" value="(\w+)"( checked)?> <span>([^<]+)<', page)
    assert first == (chosen.app_id, " checked", "Zoo")
    assert second == (other.app_id, "", "A &amp; B")


def test_bots_of_a_client_are_changed(api_client: ApiClient, as_superuser: Client) -> None:
    bot = make_bot()
    values = form(name="CRM", scopes=["bots:read"], enabled="on", all_bots="", app_ids=bot.app_id)
    as_superuser.post(page_of("access_apiclient", api_client), values)
    changed = ApiClient.objects.get()
    assert (changed.all_bots, changed.bot_ids) == (False, [str(bot.pk)])
    assert AuditEntry.objects.get(action="api_client.updated").detail == {
        "changed": ["all_bots", "bots"],
        "values": {"all_bots": [True, False], "bots": [[], [bot.name]]},
    }


def test_rules_for_the_proxy_are_kept_one_a_line(as_superuser: Client) -> None:
    as_superuser.post(ADD, form(proxy_paths="GET /open-apis/im/v1/**\n* /open-apis/task/v2/tasks\n"))
    assert ApiClient.objects.get().proxy_paths == ["GET /open-apis/im/v1/**", "* /open-apis/task/v2/tasks"]


def test_text_that_is_no_rule_for_the_proxy_is_refused(as_superuser: Client) -> None:
    answer = as_superuser.post(ADD, form(proxy_paths="everything"))
    assert "everything" in str(answer.context["adminform"].form.errors["proxy_paths"])
    assert not ApiClient.objects.exists()


def test_changing_a_client_keeps_its_key_and_is_audited(api_client: ApiClient, as_superuser: Client) -> None:
    as_superuser.post(
        page_of("access_apiclient", api_client), form(name="CRM", scopes=["bots:read"], enabled="")
    )
    changed = ApiClient.objects.get()
    assert (changed.enabled, changed.key_hash) == (False, api_client.key_hash)
    assert AuditEntry.objects.get(action="api_client.updated").detail == {
        "changed": ["enabled"],
        "values": {"enabled": [True, False]},
    }


def test_replacing_the_key_asks_first_and_ends_the_old_one(
    api_client: ApiClient, as_superuser: Client
) -> None:
    address = page_of("access_apiclient", api_client, "replace_key")
    assert "shown-once" not in text_of(as_superuser.get(address))
    assert ApiClient.objects.get().key_hash == api_client.key_hash
    key = key_on(text_of(as_superuser.post(address)))
    assert ApiClient.objects.get().key_hash != api_client.key_hash
    assert client_of(key) == api_client


def test_operator_cannot_replace_a_key(api_client: ApiClient, as_owner: Client) -> None:
    answer = as_owner.post(page_of("access_apiclient", api_client, "replace_key"))
    assert answer.status_code == 404
    assert ApiClient.objects.get().key_hash == api_client.key_hash


def test_deleting_a_client_is_audited(api_client: ApiClient, as_superuser: Client) -> None:
    as_superuser.post(page_of("access_apiclient", api_client, "delete"), {"post": "yes"})
    assert not ApiClient.objects.exists()
    assert AuditEntry.objects.get(action="api_client.deleted").target == "CRM"


def test_list_says_how_a_client_stands(api_client: ApiClient, as_superuser: Client) -> None:
    assert "Active" in text_of(as_superuser.get(list_of("access_apiclient")))
    ApiClient.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    assert "Expired" in text_of(as_superuser.get(list_of("access_apiclient")))
