"""A campaign as an operator has it: a list, counts, cards, answers."""

from datetime import timedelta
from typing import Any

import pytest
import respx
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from auth_sessions.campaigns.asking import CAMPAIGNS
from auth_sessions.models import AuthSession, Campaign, CampaignMember
from bots.enums import MailingState, RecipientKind, RecipientState
from bots.mailings import walk
from core.background.pace import Pace
from tests.console.rows import Rows, list_of, messages_of, page_of, text_of
from tests.factories import make_grant

NEW = "/admin/auth_sessions/campaign/new/"
TOKEN = {"code": 0, "tenant_access_token": "t-1", "expire": 7200}


@pytest.fixture(autouse=True)
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "LOOK_UPS", Pace(rate=10_000))
    monkeypatch.setattr(walk, "PACE", Pace(rate=10_000))
    monkeypatch.setattr(walk, "notify", lambda *_message: None)


def form(rows: Rows, **values: Any) -> dict[str, Any]:
    return {"name": "Booking", "bot": str(rows.bot.pk), "open_ids": "ou_one", "card_days": "3"} | values


def made() -> Campaign:
    return Campaign.objects.get(name="Booking")


def walked() -> Campaign:
    walk.advance(CAMPAIGNS, made().pk)
    return made()


def button(campaign: Campaign, name: str) -> str:
    return reverse(f"admin:auth_sessions_campaign_{name}", args=[campaign.pk])


def test_list_is_looked_up_counted_confirmed_and_sent(rows: Rows, as_owner: Client) -> None:
    make_grant(rows.bot, open_id="ou_done", scopes=rows.bot.auth_scopes)
    listed = "ou_two\nnobody@x.test\nou_done"
    with respx.mock as router:
        router.post(path="/open-apis/auth/v3/tenant_access_token/internal").respond(json=TOKEN)
        router.post(path="/open-apis/contact/v3/users/batch_get_id").respond(
            json={"code": 0, "data": {"user_list": [{"email": "nobody@x.test"}]}}
        )
        answer = as_owner.post(NEW, form(rows, listed=listed))
        campaign = made()
        assert answer["Location"] == page_of("auth_sessions_campaign", campaign)
        html = text_of(as_owner.get(answer["Location"]))
        assert "2 of 4 looked up" not in html
        assert "data-reload" in html
        campaign = walked()
    assert not AuthSession.objects.filter(open_id__in=("ou_one", "ou_two")).exists()
    question = as_owner.get(button(campaign, "send"))
    assert question.context["question"].text == (
        "2 people get a card from the bot. 1 has authorized already and is left out. 1 was not found: nobody@x.test."
    )
    assert messages_of(as_owner.post(button(campaign, "send"), follow=True)) == [
        "The cards are on their way."
    ]
    campaign = walked()
    assert campaign.state == MailingState.DONE
    assert AuthSession.objects.filter(open_id__in=("ou_one", "ou_two")).count() == 2
    html = text_of(as_owner.get(page_of("auth_sessions_campaign", campaign)))
    assert "2 of 2 asked" in html
    assert "0 of 2 authorized" in html
    assert "nobody@x.test" in html
    assert 'data-reload="15"' in html
    Campaign.objects.update(finished_at=timezone.now() - timedelta(days=4))
    assert "data-reload" not in text_of(as_owner.get(page_of("auth_sessions_campaign", campaign)))


def test_departments_and_kinds_of_lines_are_read(rows: Rows, as_owner: Client) -> None:
    as_owner.post(NEW, form(rows, open_ids="", listed="li@x.test\n100234", departments="研发部\n0"))
    kinds = made().members.values_list("kind", "given")
    assert set(kinds) == {
        (RecipientKind.EMAIL, "li@x.test"),
        (RecipientKind.USER_ID, "100234"),
        (RecipientKind.DEPARTMENT, "研发部"),
        (RecipientKind.DEPARTMENT, "0"),
    }


@pytest.mark.parametrize(
    "values",
    [
        {"open_ids": ""},
        {"name": ""},
        {"card_days": "8"},
        {"listed": "x" * 255},
        {"listed": "\n".join(f"ou_{number}" for number in range(1001))},
        {"scopes": "no scope"},
    ],
)
def test_list_that_is_no_campaign_is_refused_and_kept(
    values: dict[str, str], rows: Rows, as_owner: Client
) -> None:
    answer = as_owner.post(NEW, form(rows, **values))
    assert answer.context["form"].errors
    assert answer.context["form"]["name"].value() == values.get("name", "Booking")
    assert not Campaign.objects.filter(name="Booking").exists()


def test_people_are_listed_by_answer_without_departments(rows: Rows, as_owner: Client) -> None:
    campaign = rows.member.mailing
    CampaignMember.objects.create(
        mailing=campaign, bot=rows.bot, kind=RecipientKind.DEPARTMENT, given="研发部", target="od-1",
        state=RecipientState.EXPANDED,
    )  # fmt: skip
    CampaignMember.objects.create(
        mailing=campaign, bot=rows.bot, kind=RecipientKind.OPEN_ID, given="ou_yes", target="ou_yes",
        state=RecipientState.SENT, authorized_at=timezone.now(),
    )  # fmt: skip
    listed = f"{list_of('auth_sessions_campaignmember')}?mailing__id__exact={campaign.pk}"

    def found(more: str = "") -> set[str]:
        return {row.given for row in as_owner.get(listed + more).context["cl"].result_list}

    assert found() == {"lilei@example.test", "ou_yes"}
    assert found("&answer=authorized") == {"ou_yes"}
    assert found("&answer=failed") == {"lilei@example.test"}
    assert found("&q=lilei@example.test") == {"lilei@example.test"}
    assert as_owner.get(button(campaign, "show_people"))["Location"] == listed


def test_reminding_too_early_is_a_message(rows: Rows, as_owner: Client) -> None:
    remind = button(rows.member.mailing, "remind")
    assert (
        as_owner.get(remind)
        .context["question"]
        .text.startswith("1 person has neither authorized nor declined")
    )
    assert messages_of(as_owner.post(remind, follow=True))[0].startswith(
        "Everybody was asked less than an hour ago"
    )
    Campaign.objects.update(finished_at=timezone.now() - walk.CLAIM * 60)
    assert messages_of(as_owner.post(remind, follow=True)) == ["1 person is reminded."]


def test_actions_that_do_not_fit_are_not_offered_and_do_nothing(rows: Rows, as_owner: Client) -> None:
    campaign = rows.member.mailing
    html = text_of(as_owner.get(page_of("auth_sessions_campaign", campaign)))
    assert button(campaign, "remind") in html
    assert button(campaign, "send") not in html
    assert messages_of(as_owner.post(button(campaign, "send"), follow=True)) == [
        "The campaign has changed in the meantime. This page shows how it stands now."
    ]
    assert messages_of(as_owner.post(button(campaign, "cancel"), follow=True)) == [
        "The campaign is cancelled."
    ]
    html = text_of(as_owner.get(page_of("auth_sessions_campaign", campaign)))
    assert button(campaign, "cancel") not in html


def test_error_of_a_campaign_says_what_to_do(rows: Rows, as_owner: Client) -> None:
    Campaign.objects.update(code=99991672, said="no scope", log_id="log-of-campaign")
    html = text_of(as_owner.get(page_of("auth_sessions_campaign", rows.member.mailing)))
    assert "The app lacks a scope" in html
    assert "log-of-campaign" in html


def test_list_of_people_asks_no_more_with_more_people(
    rows: Rows, as_owner: Client, django_assert_max_num_queries: Any
) -> None:
    CampaignMember.objects.bulk_create(
        CampaignMember(
            mailing=rows.member.mailing, bot=rows.bot, kind=RecipientKind.OPEN_ID, given=f"ou_{number}",
            target=f"ou_{number}", state=RecipientState.SENT,
        )
        for number in range(40)
    )  # fmt: skip
    with django_assert_max_num_queries(14):
        as_owner.get(list_of("auth_sessions_campaignmember"))
