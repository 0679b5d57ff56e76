"""One person across the key's bots."""

import pytest

from auth_sessions.enums import TokenStatus
from bots.models import Bot, Person
from bots.people.directory import remember
from core.access.scopes import Scope
from feishu.people import Profile
from tests.factories import make_bot, make_grant
from tests.feishu_portal.api.callers import api_client

pytestmark = pytest.mark.django_db


def known(bot: Bot, open_id: str, union_id: str = "on_lilei", **said: str) -> None:
    remember(bot, [Profile(open_id, union_id, **said)])


@pytest.fixture
def bots() -> list[Bot]:
    """Three bots that know the person; the first was granted something, the second was once."""
    made = [make_bot(name=name) for name in "ABC"]
    for bot, open_id in zip(made, ("ou_a", "ou_b", "ou_c"), strict=True):
        known(bot, open_id)
    known(made[1], "ou_b", name="李雷", email="lilei@company.test")
    granted = {"union_id": "on_lilei", "user_id": "u1001"}
    make_grant(made[0], open_id="ou_a", email="lilei@company.test", **granted)
    make_grant(made[1], open_id="ou_b", status=TokenStatus.NEEDS_REAUTH, access_token="", **granted)
    return made


@pytest.mark.parametrize("named", ["ou_a", "ou_c", "on_lilei", "u1001", "LiLei@company.test"])
def test_any_id_says_which_bots_know_the_person_and_may_act(bots, named):
    answer = api_client(Scope.PROXY_USER).get(f"/api/v1/users/{named}").json()
    assert (answer["union_id"], answer["name"], answer["email"]) == ("on_lilei", "李雷", "lilei@company.test")
    assert [(one["app_id"], one["open_id"], one["usable"]) for one in answer["bots"]] == [
        (bots[0].app_id, "ou_a", True),
        (bots[1].app_id, "ou_b", False),
        (bots[2].app_id, "ou_c", False),
    ]
    assert [[grant["status"] for grant in one["grants"]] for one in answer["bots"]] == [
        ["active"],
        ["needs_reauth"],
        [],
    ]


def test_answer_has_no_token(bots):
    text = api_client(Scope.TOKENS_ISSUE).get("/api/v1/users/on_lilei").text
    assert "access-token-1" not in text
    assert "gAAAA" not in text


def test_disabled_bot_acts_for_nobody(bots):
    Bot.objects.update(enabled=False)
    answer = api_client(Scope.TOKENS_ISSUE).get("/api/v1/users/ou_a").json()
    assert not any(one["usable"] or one["enabled"] for one in answer["bots"])


def test_number_of_queries_is_that_of_one_bot(bots, django_assert_num_queries):
    client = api_client(Scope.TOKENS_ISSUE)
    client.get("/api/v1/users/ou_a")
    # The key, grants and people with the id, the person at all bots, their grants and names.
    with django_assert_num_queries(6):
        client.get("/api/v1/users/ou_a")


def test_key_sees_its_own_bots_alone(bots):
    client = api_client(*Scope, bots=bots[1:])
    answer = client.get("/api/v1/users/on_lilei").json()
    assert [one["app_id"] for one in answer["bots"]] == [bots[1].app_id, bots[2].app_id]
    assert client.get("/api/v1/users/ou_a").status_code == 404


def test_stranger_and_nobody_look_alike(bots):
    stranger = api_client(*Scope, bots=[make_bot()])
    answers = [stranger.get(f"/api/v1/users/{named}") for named in ("on_lilei", "on_nobody", "x" * 300)]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[0].content)}


def test_two_people_with_one_user_id_are_not_taken_for_one(bots):
    other = make_bot()
    known(other, "ou_d", "on_hanmeimei")
    make_grant(other, open_id="ou_d", union_id="on_hanmeimei", user_id="u1001")
    answer = api_client(Scope.TOKENS_ISSUE).get("/api/v1/users/u1001")
    assert (answer.status_code, answer.json()["code"]) == (409, "several_people")


def test_person_without_union_id_is_one_bots(bots):
    Person.objects.update(union_id="")
    answer = api_client(Scope.TOKENS_ISSUE).get("/api/v1/users/ou_a").json()
    assert [one["open_id"] for one in answer["bots"]] == ["ou_a"]


def test_key_that_may_not_act_for_people_does_not_see_them(bots):
    client = api_client(Scope.BOTS_READ, Scope.AUTH_CREATE, Scope.PROXY_APP)
    assert client.get("/api/v1/users/ou_a").status_code == 403
