import json

import httpx2
import pytest
import respx

from bots.errors import BotDisabledError, LookupBusyError
from bots.models import Person
from bots.people import address
from bots.people.address import find_by_address, is_address
from feishu.errors import MissingScope
from tests.factories import PLATFORM, make_bot

pytestmark = pytest.mark.django_db


@pytest.fixture
def contacts():
    """The platform's contact API, which knows 王芳 by address and by open_id."""
    with respx.mock(base_url=PLATFORM, assert_all_called=False) as router:
        router.post("/open-apis/auth/v3/tenant_access_token/internal").respond(
            json={"code": 0, "tenant_access_token": "t-1", "expire": 7200}
        )
        router.post("/open-apis/contact/v3/users/batch_get_id", name="ids").respond(
            json={"code": 0, "data": {"user_list": [{"user_id": "ou_wang", "email": "wang@company.test"}]}}
        )
        router.get("/open-apis/contact/v3/users/batch", name="people").respond(
            json={"code": 0, "data": {"items": [{"open_id": "ou_wang", "name": "王芳"}]}}
        )
        yield router


@pytest.mark.parametrize("text", ["wang@company.test", " a@b.c ", "+86 138-0013-8000", "13800138000"])
def test_whole_addresses(text):
    assert is_address(text)


@pytest.mark.parametrize(
    "text", ["", "王芳", "wang", "wang@", "@company.test", "12345", "a b@c.d", "a@b.c" * 99]
)
def test_what_is_no_address(text):
    assert not is_address(text)


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("wang@company.test", {"emails": ["wang@company.test"]}),
        ("+86 138-0013-8000", {"mobiles": ["+8613800138000"]}),
    ],
)
def test_person_is_found_and_kept_with_the_name(contacts, typed, asked):
    bot = make_bot()
    person = find_by_address(bot, typed, asked_by="lin")
    assert (person.open_id, person.name) == ("ou_wang", "王芳")
    assert json.loads(contacts["ids"].calls.last.request.content) == asked
    assert Person.objects.get(bot=bot) == person


def test_nobody_is_found(contacts):
    contacts["ids"].respond(json={"code": 0, "data": {"user_list": [{"email": "nobody@company.test"}]}})
    assert find_by_address(make_bot(), "nobody@company.test", asked_by="lin") is None
    assert not Person.objects.exists()


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(400, json={"code": 99991672, "msg": "no scope"}),
        httpx2.Response(502),
        httpx2.Response(200, json={"code": 0, "data": {"items": []}}),
        httpx2.Response(200, json={"code": 0, "data": {"items": [{"open_id": "ou_li", "name": "李雷"}]}}),
    ],
)
def test_person_is_found_though_the_name_is_not(contacts, answer):
    contacts["people"].mock(return_value=answer)
    person = find_by_address(make_bot(), "wang@company.test", asked_by="lin")
    assert (person.open_id, person.name) == ("ou_wang", "")


def test_refusal_is_raised(contacts):
    contacts["ids"].respond(400, json={"code": 99991672, "msg": "no scope"})
    with pytest.raises(MissingScope):
        find_by_address(make_bot(), "wang@company.test", asked_by="lin")


def test_bot_that_is_off_asks_nothing(contacts):
    with pytest.raises(BotDisabledError):
        find_by_address(make_bot(enabled=False), "wang@company.test", asked_by="lin")
    assert not contacts["ids"].called


def test_one_operator_has_a_share_of_the_lookups(contacts, monkeypatch):
    monkeypatch.setattr(address, "MAX_LOOKUPS", 4)
    bot = make_bot()
    with address._limits.fair_place("lin", bot.pk, limit=4, full=LookupBusyError()):
        with pytest.raises(LookupBusyError):
            find_by_address(bot, "wang@company.test", asked_by="lin")
        assert find_by_address(make_bot(), "wang@company.test", asked_by="mei") is not None
