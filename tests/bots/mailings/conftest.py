"""A campaign and a platform that knows a company: what is the same for every kind of mailing is tested with one of them."""

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import httpx2
import pytest
import respx

from auth_sessions.models import Campaign, CampaignMember
from bots.enums import MailingState, RecipientKind, RecipientState
from bots.mailings import service, walk
from bots.mailings.walk import Mailer
from bots.models import Bot
from core.background.pace import Pace
from feishu.errors import FeishuError
from tests.factories import PLATFORM, make_bot

PAGE = 2
PEOPLE = {"0": ["ou_boss"], "od-1": ["ou_1", "ou_2", "ou_3"], "od-2": ["ou_3", "ou_4"]}
BELOW = {"0": ["od-1", "od-2"], "od-1": ["od-2"], "od-2": []}
NAMES = {"od-1": "研发部", "od-2": "后端组"}


@pytest.fixture(autouse=True)
def prompt(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """No pause between steps; the messages that were sent."""
    sent: list[tuple[object, ...]] = []
    monkeypatch.setattr(walk, "LOOK_UPS", Pace(rate=10_000))
    monkeypatch.setattr(walk, "PACE", Pace(rate=10_000))
    for module in (walk, service):
        monkeypatch.setattr(module, "notify", lambda *message: sent.append(message))
    return sent


@pytest.fixture
def bot(db: None) -> Bot:
    return make_bot()


@pytest.fixture
def campaign(bot: Bot) -> Campaign:
    return Campaign.objects.create(bot=bot, name="c", scopes=["offline_access"], requested_by="system:portal")


class Letters(Mailer[Campaign, CampaignMember]):
    """Writes down who got one; ``errors`` are raised instead, by person, once each."""

    mailings: ClassVar[type[Any]] = Campaign
    recipients: ClassVar[type[Any]] = CampaignMember
    task: ClassVar[str] = "letters.advance"
    noun: ClassVar[str] = "campaign"

    def __init__(self, *, confirms: bool = False) -> None:
        self.got: list[str] = []
        self.errors: dict[str, list[FeishuError]] = {}
        self.taken_back = 0
        self.confirms = confirms

    def resolved(self, mailing: Campaign) -> MailingState:
        return MailingState.READY if self.confirms else MailingState.SENDING

    def send(self, mailing: Campaign, recipient: CampaignMember) -> dict[str, Any]:
        if errors := self.errors.get(recipient.target):
            raise errors.pop(0)
        self.got.append(recipient.target)
        return {"state": RecipientState.SENT}

    def withdraw(self, mailing: Campaign) -> bool:
        self.taken_back += 1
        return self.taken_back > 1


@pytest.fixture
def letters() -> Letters:
    return Letters()


def to(campaign: Campaign, *open_ids: str) -> Campaign:
    CampaignMember.objects.bulk_create(
        CampaignMember(
            mailing=campaign, bot=campaign.bot, kind=RecipientKind.OPEN_ID, given=open_id, target=open_id,
            state=RecipientState.READY,
        )
        for open_id in open_ids
    )  # fmt: skip
    return campaign


class Company:
    """Calls by path; ``pages`` has what a list would answer beside its items."""

    def __init__(self, router: respx.MockRouter) -> None:
        self.router = router
        router.post("/open-apis/auth/v3/tenant_access_token/internal").respond(
            json={"code": 0, "tenant_access_token": "t-1", "expire": 7200}
        )
        self.addresses = router.post("/open-apis/contact/v3/users/batch_get_id").mock(side_effect=_addresses)
        self.members = router.get("/open-apis/contact/v3/users/find_by_department").mock(side_effect=members)
        self.user = router.get(path__regex=r".*/contact/v3/users/[\w.]+$").mock(side_effect=_user)
        self.below = router.get(url__regex=r".*/contact/v3/departments/[\w-]+/children").mock(
            side_effect=_below
        )


@pytest.fixture
def company() -> Iterator[Company]:
    with respx.mock(base_url=PLATFORM, assert_all_called=False) as router:
        yield Company(router)


def ok(**data: Any) -> httpx2.Response:
    return httpx2.Response(200, json={"code": 0, "msg": "success", "data": data})


def refused(code: int) -> httpx2.Response:
    return httpx2.Response(400, json={"code": code, "msg": "no"}, headers={"X-Tt-Logid": "log-1"})


def paged(request: httpx2.Request, items: list[Any]) -> httpx2.Response:
    start = int(request.url.params.get("page_token") or 0)
    more = start + PAGE < len(items)
    token = {"page_token": str(start + PAGE)} if more else {}
    return ok(items=items[start : start + PAGE], has_more=more, **token)


def _addresses(request: httpx2.Request) -> httpx2.Response:
    """Everybody at known.test, as ou_ and what is before the @; people are listed in another case than they were asked for."""
    body = json.loads(request.content)
    emails = [
        {"email": email.upper()} | ({"user_id": f"ou_{email.split('@')[0]}"} if "@known" in email else {})
        for email in body.get("emails", ())
    ]
    return ok(user_list=[*emails, *({"mobile": number} for number in body.get("mobiles", ()))])


def _user(request: httpx2.Request) -> httpx2.Response:
    number = request.url.path.rpartition("/")[2]
    return ok(user={"open_id": f"ou_{number}"}) if number.isdecimal() else refused(99992351)


def members(request: httpx2.Request) -> httpx2.Response:
    people = PEOPLE.get(request.url.params["department_id"])
    if people is None:
        return refused(99992353)
    return paged(request, [{"open_id": open_id, "name": f"Name {open_id}"} for open_id in people])


def _below(request: httpx2.Request) -> httpx2.Response:
    below = BELOW.get(request.url.path.split("/")[-2])
    if below is None:
        return refused(99992353)
    return paged(
        request,
        [
            {"open_department_id": one, "name": NAMES[one], "i18n_name": {"en_us": f"EN {one}"}}
            for one in below
        ],
    )
