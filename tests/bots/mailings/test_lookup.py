import httpx2
import pytest

from auth_sessions.models import Campaign, CampaignMember
from bots.enums import RecipientKind, RecipientProblem, RecipientState
from bots.mailings import lookup
from bots.mailings.lookup import look_up_next
from bots.mailings.recipients import Named, rows_for
from bots.models import Person
from bots.people.directory import remember
from feishu.directory import Directory
from feishu.errors import APIError, TransportError
from feishu.openapi import OpenAPI
from feishu.people import Profile
from tests.bots.mailings.conftest import Company, members, refused

pytestmark = pytest.mark.django_db

READY, NOT_FOUND = RecipientState.READY, RecipientState.NOT_FOUND


def named(campaign: Campaign, *lines: str, departments: tuple[str, ...] = ()) -> None:
    wanted = [Named.by_look(line) for line in lines]
    wanted += [Named(RecipientKind.DEPARTMENT, line) for line in departments]
    CampaignMember.objects.bulk_create(rows_for(campaign, wanted, recipients=CampaignMember))  # type: ignore[arg-type]


def look_up_all(campaign: Campaign, *, gives_up: bool = False) -> dict[str, tuple[str, str]]:
    """Until nobody waits; state and target by what each was named."""
    directory = Directory(OpenAPI(campaign.bot.credentials))
    rows = CampaignMember.objects.filter(mailing=campaign)
    steps = 0
    while look_up_next(campaign.bot, rows, directory, gives_up=gives_up):
        steps += 1
        assert steps < 50
    return {row.given: (row.state, row.target) for row in rows.exclude(state=RecipientState.EXPANDED)}


def people_of(campaign: Campaign) -> list[str]:
    rows = CampaignMember.objects.filter(mailing=campaign, state=READY)
    return sorted(rows.values_list("target", flat=True))


def test_addresses_are_looked_up_together_whatever_their_case(campaign: Campaign, company: Company) -> None:
    named(campaign, "Wang@known.test", "li@known.test", "no@body.test", "+4915123456")
    assert look_up_all(campaign) == {
        "Wang@known.test": (READY, "ou_Wang"),
        "li@known.test": (READY, "ou_li"),
        "no@body.test": (NOT_FOUND, ""),
        "+4915123456": (NOT_FOUND, ""),
    }
    assert company.addresses.call_count == 1


def test_person_who_is_named_in_two_ways_is_there_once(campaign: Campaign, company: Company) -> None:
    named(campaign, "ou_li", "li@known.test", "7@known.test", "7")
    found = look_up_all(campaign)
    assert found["li@known.test"] == (RecipientState.REPEATED, "")
    assert {found["7@known.test"][0], found["7"][0]} == {READY, RecipientState.REPEATED}


def test_name_is_found_among_the_bots_people_if_one_has_it(campaign: Campaign, company: Company) -> None:
    people = [
        ("ou_1", "王芳", "Wang Fang"),
        ("ou_2", "李雷", ""),
        ("ou_3", "李雷", ""),
        ("ou_4", "王芳芳", ""),
    ]
    remember(campaign.bot, [Profile(open_id, name=name, en_name=en) for open_id, name, en in people])
    named(campaign, "王芳", "wang  fang", "李雷", "无名氏")
    assert look_up_all(campaign) == {
        "王芳": (READY, "ou_1"),
        "wang fang": (RecipientState.REPEATED, ""),
        "李雷": (NOT_FOUND, ""),
        "无名氏": (NOT_FOUND, ""),
    }
    assert CampaignMember.objects.get(given="李雷").reason == RecipientProblem.AMBIGUOUS


def test_department_is_everybody_in_it_and_below_it_once(campaign: Campaign, company: Company) -> None:
    named(campaign, "ou_2", departments=("研发部",))
    look_up_all(campaign)
    assert people_of(campaign) == ["ou_1", "ou_2", "ou_3", "ou_4"]
    assert Person.objects.get(open_id="ou_4").name == "Name ou_4"
    assert {row.state for row in CampaignMember.objects.filter(target__startswith="od-")} == {
        RecipientState.EXPANDED
    }


@pytest.mark.parametrize(
    ("department", "people"),
    [
        ("0", ["ou_1", "ou_2", "ou_3", "ou_4", "ou_boss"]),
        ("EN od-2", ["ou_3", "ou_4"]),
        ("od-2", ["ou_3", "ou_4"]),
    ],
)
def test_department_is_named_by_id_or_by_name_in_any_language(
    department: str, people: list[str], campaign: Campaign, company: Company
) -> None:
    named(campaign, departments=(department,))
    look_up_all(campaign)
    assert people_of(campaign) == people


@pytest.mark.parametrize("department", ["nowhere", "od-9"])
def test_unknown_department_is_not_found(department: str, campaign: Campaign, company: Company) -> None:
    named(campaign, departments=(department,))
    assert [state for state, _ in look_up_all(campaign).values()] == [NOT_FOUND]


def test_listing_a_department_goes_on_where_it_was_cut_off(campaign: Campaign, company: Company) -> None:
    named(campaign, departments=("od-1",))
    company.members.side_effect = [members(_request("od-1")), httpx2.ConnectError("gone")]
    with pytest.raises(TransportError):
        look_up_all(campaign)
    assert people_of(campaign) == ["ou_1", "ou_2"]
    company.members.side_effect = None
    company.members.mock(side_effect=members)
    look_up_all(campaign)
    assert people_of(campaign) == ["ou_1", "ou_2", "ou_3", "ou_4"]


def test_company_that_is_too_large_says_so(
    campaign: Campaign, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "MAX_RECIPIENTS", 3)
    named(campaign, departments=("0",))
    look_up_all(campaign)
    failed = CampaignMember.objects.filter(state=RecipientState.FAILED)
    assert {row.reason for row in failed} == {RecipientProblem.TOO_MANY}
    assert len(people_of(campaign)) <= 3


def test_page_token_that_leads_nowhere_ends(campaign: Campaign, company: Company) -> None:
    endless = {"items": [{"open_id": "ou_1"}], "has_more": True, "page_token": "again"}
    company.members.mock(return_value=httpx2.Response(200, json={"code": 0, "data": endless}))
    named(campaign, departments=("od-2",))
    look_up_all(campaign, gives_up=True)
    assert CampaignMember.objects.get(target="od-2").state == RecipientState.FAILED


def test_refusal_is_kept_with_those_it_is_about(campaign: Campaign, company: Company) -> None:
    company.addresses.mock(return_value=refused(99991672))
    named(campaign, "li@known.test", "7")
    assert look_up_all(campaign) == {"li@known.test": (RecipientState.FAILED, ""), "7": (READY, "ou_7")}
    row = CampaignMember.objects.get(given="li@known.test")
    assert (row.code, row.log_id) == (99991672, "log-1")


def test_what_may_pass_is_tried_again_and_given_up_in_the_end(campaign: Campaign, company: Company) -> None:
    company.addresses.mock(return_value=httpx2.Response(500, json={"code": 99991400, "msg": "slow down"}))
    named(campaign, "li@known.test")
    with pytest.raises(APIError):
        look_up_all(campaign)
    assert look_up_all(campaign, gives_up=True) == {"li@known.test": (RecipientState.FAILED, "")}


def _request(department: str) -> httpx2.Request:
    return httpx2.Request("GET", f"http://x/?department_id={department}")


def test_group_is_found_by_its_whole_name_in_all_pages(campaign: Campaign, company: Company) -> None:
    pages = [
        {"items": [{"chat_id": "oc_1", "name": "值班群二"}], "has_more": True, "page_token": "p2"},
        {"items": [{"chat_id": "oc_2", "name": "值班群"}], "has_more": False},
    ]
    chats = company.router.get(path="/open-apis/im/v1/chats")
    chats.side_effect = [httpx2.Response(200, json={"code": 0, "data": page}) for page in pages]
    wanted = [Named(RecipientKind.CHAT, "值班群")]
    CampaignMember.objects.bulk_create(rows_for(campaign, wanted, recipients=CampaignMember))  # type: ignore[arg-type]
    assert look_up_all(campaign) == {"值班群": (READY, "oc_2")}
