import json

import pytest

from feishu.apaas import WorkspaceClient, list_apps
from feishu.codes import Category
from feishu.errors import APIError, MalformedAnswer
from feishu.user_api import UserAPI

TOKEN = "u-the-token-of-the-tests"
RECORDS = "https://open.feishu.cn/open-apis/apaas/v1/workspaces/w%2F1/tables/student/records"


@pytest.fixture
def workspace(credentials, transport) -> WorkspaceClient:
    return WorkspaceClient(UserAPI(credentials, TOKEN, transport), "w/1")


def page(*rows, **more):
    return {
        "code": 0,
        "data": {"has_more": False, "total": len(rows), "items": json.dumps(rows), **more},
    }


def test_rows_come_out_of_their_text(platform, workspace):
    platform.will_say(page({"_id": "1", "name": "安"}, total=7, has_more=True, page_token="p2"))
    rows = workspace.read("student", select="_id,name", filter="age=gt.10", order="age.desc", page_size=10)
    assert (rows.items, rows.total, rows.page_token) == ([{"_id": "1", "name": "安"}], 7, "p2")
    request = platform.requests[0]
    assert str(request.url).startswith(f"{RECORDS}?page_size=10&")
    assert request.url.params["filter"] == "age=gt.10"
    assert "filter=age%3Dgt.10" in str(request.url)
    assert request.headers["authorization"] == f"Bearer {TOKEN}"


def test_token_of_a_last_page_counts_for_nothing(platform, workspace):
    platform.will_say(page({"a": 1}, page_token="p2"))
    assert workspace.read("student").page_token == ""


def test_all_rows_are_read_page_by_page_up_to_a_limit(platform, workspace):
    platform.will_say(page({"a": 1}, {"a": 2}, has_more=True, page_token="p2"), page({"a": 3}, {"a": 4}))
    assert list(workspace.read_all("student", limit=3)) == [{"a": 1}, {"a": 2}, {"a": 3}]
    assert [request.url.params["page_size"] for request in platform.requests] == ["3", "1"]
    assert platform.requests[1].url.params["page_token"] == "p2"


def test_rows_go_into_their_text(platform, workspace):
    platform.will_say({"code": 0, "data": {"record_ids": ["r1"]}})
    ids = workspace.insert(
        "student",
        [{"name": '"安"', "big": 1789012345678901234}],
        columns=["name", "big"],
        on_conflict=["name"],
        prefer="resolution=merge-duplicates",
    )
    assert ids == ["r1"]
    request = platform.requests[0]
    assert platform.sent_json() == {"records": '[{"name":"\\"安\\"","big":1789012345678901234}]'}
    assert dict(request.url.params) == {"columns": "name,big", "on_conflict": "name"}
    assert request.headers["prefer"] == "resolution=merge-duplicates"


def test_update_and_delete_name_the_rows_they_mean(platform, workspace):
    platform.will_say({"code": 0, "data": {"record_ids": ["r1", "r2"]}}, {"code": 0, "data": {}})
    assert workspace.update("student", {"age": 12}, filter="name=eq.Ann") == ["r1", "r2"]
    assert platform.sent_json() == {"record": '{"age":12}'}
    workspace.delete("student", filter="name=eq.Ann")
    assert [request.url.params["filter"] for request in platform.requests] == ["name=eq.Ann"] * 2
    assert platform.requests[1].method == "DELETE"


def test_many_rows_get_values_of_their_own(platform, workspace):
    platform.will_say({"code": 0, "data": {"record_ids": ["1", "2"]}})
    assert workspace.update_rows("student", [{"_id": "1", "a": 1}, {"_id": "2", "a": 2}]) == ["1", "2"]
    assert str(platform.requests[0].url) == f"{RECORDS}_batch_update"


@pytest.mark.parametrize(("text", "rows"), [('[{"name":"Ann"}]', [{"name": "Ann"}]), ("", [])])
def test_sql_gives_rows_or_nothing(platform, workspace, text, rows):
    platform.will_say({"code": 0, "data": {"result": text}})
    assert workspace.sql("SELECT name FROM student") == rows
    assert platform.sent_json() == {"sql": "SELECT name FROM student"}


@pytest.mark.parametrize(
    "call",
    [
        lambda workspace: workspace.update("t", {"a": 1}, filter=""),
        lambda workspace: workspace.delete("t", filter=""),
        lambda workspace: workspace.insert("t", []),
        lambda workspace: workspace.insert("t", [{"a": 1}] * 501),
        lambda workspace: workspace.insert("t", [{"a": float("nan")}]),
        lambda workspace: workspace.update_rows("t", [{"a": 1}]),
        lambda workspace: workspace.update_rows("t", [{"_id": "1", "a": 1}, {"_id": "2", "b": 1}]),
    ],
)
def test_what_cannot_be_meant_is_not_sent(platform, workspace, call):
    with pytest.raises(ValueError, match=r"rows?|JSON"):
        call(workspace)
    assert not platform.requests


@pytest.mark.parametrize("text", ["[1]", "{}", "no JSON", 5, "[" * 100_000])
def test_text_that_holds_no_rows_is_malformed(platform, workspace, text):
    platform.will_say({"code": 0, "data": {"result": text}})
    with pytest.raises(MalformedAnswer):
        workspace.sql("SELECT 1")


def test_refusal_says_what_to_do(platform, workspace):
    platform.will_say({"code": 2320001, "msg": "param is invalid"}, status=400)
    with pytest.raises(APIError) as caught:
        workspace.tables()
    assert (caught.value.code, caught.value.info.category) == (2320001, Category.BUG)


def test_apps_keep_their_long_numbers(platform, credentials, transport):
    app = {
        "namespace": "package_demo__c",
        "name": [{"language_code": "2052", "text": "学生"}],
        "type": "custom",
        "status": "enabled",
        "creator": 1789012345678901234,
    }
    platform.will_say(
        {"code": 0, "data": {"items": [app], "has_more": True, "page_token": "p2"}},
        {"code": 0, "data": {"has_more": False}},
    )
    [found] = list_apps(UserAPI(credentials, TOKEN, transport))
    assert (found.namespace, found.names, found.status) == ("package_demo__c", {"2052": "学生"}, "enabled")
    assert found.raw["creator"] == 1789012345678901234
    assert TOKEN not in repr(UserAPI(credentials, TOKEN))
