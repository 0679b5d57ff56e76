"""The groups of a bot: what is listed, what is set there, and by whom."""

import httpx2
import pytest
import respx
from django.test import Client
from django.urls import reverse

from bots.admin import groups
from bots.enums import GroupPolicy
from bots.groups.service import set_group_policies
from bots.models import Bot, GroupException
from core.access.actors import SYSTEM
from core.access.models import AuditEntry
from core.access.roles import Role
from tests.console.rows import Rows, page_of, signed_in, text_of
from tests.factories import PLATFORM, make_operator

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("postgres")]

NOTHING_TYPED = {"chat_id": "", "policy": "mentioned"}


@pytest.fixture(autouse=True)
def chats():
    """The route on which the platform lists the groups of a bot: 值班群 and 项目群."""
    with respx.mock(base_url=PLATFORM, assert_all_called=False) as router:
        router.post("/open-apis/auth/v3/tenant_access_token/internal").respond(
            json={"code": 0, "tenant_access_token": "t-1", "expire": 7200}
        )
        items = [{"chat_id": "oc_duty", "name": "值班群"}, {"chat_id": "oc_project", "name": "项目群"}]
        yield router.get("/open-apis/im/v1/chats").respond(
            json={"code": 0, "data": {"items": items, "has_more": False}}
        )


def address(bot: Bot) -> str:
    return reverse("admin:bots_bot_groups", args=[bot.pk])


def put(bot: Bot, names: dict[str, str] | None = None, **wanted: GroupPolicy) -> None:
    set_group_policies(bot=bot, wanted=wanted, names=names or {}, actor=SYSTEM)


def chosen(before: str, after: str, chat_id: str = "oc_duty") -> dict[str, str]:
    """As a browser sends the choice for a group."""
    return NOTHING_TYPED | {f"initial-group-{chat_id}": before, f"group-{chat_id}": after}


def policies() -> dict[str, str]:
    return dict(GroupException.objects.values_list("chat_id", "policy"))


def test_groups_are_listed_by_name_those_with_an_exception_first(rows: Rows, as_owner: Client) -> None:
    put(rows.bot, {"oc_project": "Its old name"}, oc_project=GroupPolicy.NEVER)
    answer = as_owner.get(address(rows.bot))
    listed = [(group.name, field.value()) for group, field in answer.context["rows"]]
    assert listed == [("项目群", "never"), ("值班群", "")]
    html = text_of(answer)
    assert "As set for the bot: When it is mentioned" in html
    assert "Its old name" not in html


def test_choice_is_set_with_the_name_of_the_group(rows: Rows, as_owner: Client) -> None:
    assert as_owner.post(address(rows.bot), chosen("", "every_message")).status_code == 302
    row = GroupException.objects.get(bot=rows.bot)
    assert (row.chat_id, row.name, row.policy) == ("oc_duty", "值班群", "every_message")
    entry = AuditEntry.objects.get(action="bot.group_policy_set")
    assert (entry.target, entry.app_id) == ("值班群", rows.bot.app_id)
    assert "1 group" in text_of(as_owner.get(page_of("bots_bot", rows.bot)))


def test_choice_is_taken_back(rows: Rows, as_owner: Client) -> None:
    put(rows.bot, oc_duty=GroupPolicy.NEVER)
    as_owner.post(address(rows.bot), chosen("never", ""))
    assert policies() == {}


def test_what_was_not_touched_stays_as_somebody_else_has_set_it_meanwhile(
    rows: Rows, as_owner: Client
) -> None:
    put(rows.bot, oc_duty=GroupPolicy.NEVER)
    as_owner.post(address(rows.bot), chosen("", "") | chosen("", "never", "oc_project"))
    assert policies() == {"oc_duty": "never", "oc_project": "never"}


def test_group_is_named_by_its_id(rows: Rows, as_owner: Client) -> None:
    as_owner.post(address(rows.bot), {"chat_id": " oc_far ", "policy": "never"})
    assert policies() == {"oc_far": "never"}


@pytest.mark.parametrize(
    "form",
    [{"chat_id": "Duty", "policy": "never"}, {"chat_id": "oc_far", "policy": ""}, chosen("", "sometimes")],
)
def test_wrong_choice_is_shown_and_sets_nothing(rows: Rows, as_owner: Client, form: dict[str, str]) -> None:
    answer = as_owner.post(address(rows.bot), chosen("", "never", "oc_project") | form)
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert answer.context["form"]["group-oc_project"].value() == "never"
    assert policies() == {}


@pytest.mark.parametrize(
    "refusal", [httpx2.Response(400, json={"code": 99991672, "msg": "no scope"}), httpx2.Response(502)]
)
def test_page_works_without_the_platform(
    rows: Rows, as_owner: Client, chats: respx.Route, refusal: httpx2.Response
) -> None:
    chats.mock(return_value=refusal)
    put(rows.bot, {"oc_duty": "Duty"}, oc_duty=GroupPolicy.NEVER)
    answer = as_owner.get(address(rows.bot))
    assert "could not be asked" in answer.context["problem"]
    assert [(group.name, group.is_left) for group, _field in answer.context["rows"]] == [("Duty", False)]
    as_owner.post(address(rows.bot), chosen("never", "mentioned"))
    assert policies() == {"oc_duty": "mentioned"}


def test_group_that_the_bot_has_left_is_marked(rows: Rows, as_owner: Client) -> None:
    put(rows.bot, {"oc_left": "Old project"}, oc_left=GroupPolicy.NEVER)
    answer = as_owner.get(address(rows.bot))
    assert [group.name for group, _field in answer.context["rows"] if group.is_left] == ["Old project"]


def test_groups_are_searched_by_name_and_id(
    rows: Rows, as_owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "MAX_SHOWN", 1)
    assert as_owner.get(address(rows.bot)).context["total"] == 2
    for searched, found in (("项目", ["oc_project"]), ("OC_DUTY", ["oc_duty"]), ("nothing", [])):
        rows_found = as_owner.get(address(rows.bot), {"q": searched}).context["rows"]
        assert [group.chat_id for group, _field in rows_found] == found


def test_bot_that_is_off_keeps_its_exceptions_at_hand(
    rows: Rows, as_owner: Client, chats: respx.Route
) -> None:
    put(rows.bot, oc_duty=GroupPolicy.NEVER)
    Bot.objects.update(enabled=False)
    answer = as_owner.get(address(rows.bot))
    assert "switched off" in answer.context["problem"]
    assert len(answer.context["rows"]) == 1
    assert not chats.called


def test_more_exceptions_than_a_bot_may_have_are_refused(
    rows: Rows, as_owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bots.groups.service.MAX_EXCEPTIONS", 0)
    answer = as_owner.post(address(rows.bot), chosen("", "never"))
    assert "Nothing was changed" in text_of(answer)
    assert policies() == {}


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.VIEWER])
def test_who_may_change_nothing_looks_and_the_platform_is_not_asked(
    rows: Rows, chats: respx.Route, role: Role
) -> None:
    put(rows.bot, {"oc_duty": "Duty"}, oc_duty=GroupPolicy.NEVER)
    user = make_operator(role=role)
    rows.bot.owners.add(user)
    client = signed_in(user)
    answer = client.get(address(rows.bot))
    assert [group.name for group, _field in answer.context["rows"]] == ["Duty"]
    assert all(field.field.disabled for _group, field in answer.context["rows"])
    assert not chats.called
    assert client.post(address(rows.bot), chosen("never", "")).status_code == 403
    assert policies() == {"oc_duty": "never"}


def test_stranger_finds_no_page(rows: Rows, as_stranger: Client, chats: respx.Route) -> None:
    assert as_stranger.get(address(rows.bot)).status_code == 404
    assert as_stranger.post(address(rows.bot), chosen("", "never")).status_code == 404
    assert not chats.called
