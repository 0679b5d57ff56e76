import pytest

from feishu.directory import ChatInfo, Directory, DirectoryPage
from feishu.openapi import OpenAPI
from feishu.people import Department, Profile
from feishu.tenant_tokens import TenantTokens

TOKEN = {"code": 0, "tenant_access_token": "t-1", "expire": 7200}


@pytest.fixture
def directory(transport, credentials) -> Directory:
    return Directory(OpenAPI(credentials, transport, TenantTokens(transport)))


FOUND = {"code": 0, "data": {"user": {"open_id": "ou_1"}}}


@pytest.mark.parametrize(
    ("person", "kind"), [("on_1", "union_id"), ("u1001", "user_id"), ("a/b?c", "user_id")]
)
def test_a_person_is_found_by_an_id(platform, directory, person, kind):
    platform.will_say(TOKEN, FOUND)
    assert directory.open_id_of(person) == "ou_1"
    url = platform.requests[1].url
    assert (url.path, url.params["user_id_type"]) == (f"/open-apis/contact/v3/users/{person}", kind)


def test_a_person_is_found_by_an_address(platform, directory):
    platform.will_say(TOKEN, {"code": 0, "data": {"user_list": [{"email": "a@x.test", "user_id": "ou_1"}]}})
    assert directory.open_id_of("a@x.test") == "ou_1"
    assert platform.sent_json() == {"emails": ["a@x.test"]}
    assert platform.requests[1].url.params["user_id_type"] == "open_id"


def test_a_person_is_found_by_a_phone_number(platform, directory):
    platform.will_say(TOKEN, {"code": 0, "data": {"user_list": [{"mobile": "+4915", "user_id": "ou_1"}]}})
    assert directory.open_id_at("+4915") == "ou_1"
    assert platform.sent_json() == {"mobiles": ["+4915"]}


def test_addresses_are_looked_up_together_and_answered_by_what_was_asked(platform, directory):
    listed = [
        {"email": "A@X.test", "user_id": "ou_1"},
        {"mobile": "+4915", "user_id": "ou_2"},
        {"email": "no@x.test"},
        {"email": "strange@x.test", "user_id": "ou_9"},
    ]
    platform.will_say(TOKEN, {"code": 0, "data": {"user_list": listed}})
    assert directory.open_ids_at(["a@x.test", "no@x.test", "+4915"]) == {"a@x.test": "ou_1", "+4915": "ou_2"}
    assert platform.sent_json() == {"emails": ["a@x.test", "no@x.test"], "mobiles": ["+4915"]}


def test_people_of_a_department_come_in_pages(platform, directory):
    data = {"items": [{"open_id": "ou_1", "name": "王芳"}], "has_more": True, "page_token": "p2"}
    platform.will_say(TOKEN, {"code": 0, "data": data})
    assert directory.people_in("od-1", page_token="p1") == DirectoryPage([Profile("ou_1", name="王芳")], "p2")
    params = dict(platform.requests[1].url.params)
    assert params == {
        "department_id": "od-1",
        "department_id_type": "open_department_id",
        "user_id_type": "open_id",
        "page_size": "50",
        "page_token": "p1",
    }


def test_departments_below_have_their_names_in_all_languages(platform, directory):
    item = {
        "open_department_id": "od-1",
        "name": "研发部",
        "i18n_name": {"zh_cn": "研发部", "en_us": "R&D", "ja_jp": ""},
    }
    platform.will_say(TOKEN, {"code": 0, "data": {"items": [item], "has_more": False, "page_token": "odd"}})
    assert directory.departments_below("0") == DirectoryPage([Department("od-1", ("研发部", "R&D"))])
    url = platform.requests[1].url
    assert (url.path, url.params["fetch_child"]) == ("/open-apis/contact/v3/departments/0/children", "true")


def test_groups_of_the_bot_come_in_pages(platform, directory):
    data = {"items": [{"chat_id": "oc_1", "name": "项目群"}], "has_more": True, "page_token": "p2"}
    platform.will_say(TOKEN, {"code": 0, "data": data})
    assert directory.chats() == DirectoryPage([ChatInfo("oc_1", "项目群")], "p2")


def test_people_are_described_together_and_those_out_of_reach_left_out(platform, directory):
    items = [{"open_id": "ou_1", "name": "王芳"}, None, "odd"]
    platform.will_say(TOKEN, {"code": 0, "data": {"items": items}})
    assert directory.people(["ou_1", "ou_2"]) == [Profile("ou_1", name="王芳")]
    params = platform.requests[1].url.params
    assert (params.get_list("user_ids"), params["user_id_type"]) == (["ou_1", "ou_2"], "open_id")


@pytest.mark.parametrize("data", [{}, {"items": None}, {"items": {}}])
def test_answer_that_describes_nobody_is_empty(platform, directory, data):
    platform.will_say(TOKEN, {"code": 0, "data": data})
    assert directory.people(["ou_1"]) == []


@pytest.mark.parametrize(
    "data", [{}, {"user": None}, {"user": {"open_id": 7}}, {"user": {"open_id": "on_1"}}]
)
@pytest.mark.parametrize("person", ["on_1", "a@x.test"])
def test_nobody_is_found_where_the_answer_names_none(platform, directory, data, person):
    platform.will_say(TOKEN, {"code": 0, "data": data | {"user_list": [data.get("user")]}})
    assert directory.open_id_of(person) == ""
