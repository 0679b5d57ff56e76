"""Workspaces: our client and the official SDK find the same in the sandbox."""

import asyncio
import json
import sys
from pathlib import Path

import httpx2
import pytest

from feishu.apaas import WorkspaceClient, list_apps
from feishu.credentials import AppCredentials
from feishu.platforms import Platform as Addresses
from feishu.transport import Transport
from feishu.user_api import UserAPI
from tests.sandbox.conftest import REDIRECT, Platform
from tests.services.processes import PATIENCE

SDK = Path(__file__).parent / "official_sdk_apaas.py"
SCOPES = (
    "app_engine:apps:read app_engine:workspace.table:read app_engine:workspace.table.record:write "
    "app_engine:workspace.sql_commands:write"
)
STUDENTS = "apaas/v1/workspaces/workspace_demo01/tables/student/records"
SQL = "apaas/v1/workspaces/workspace_demo01/sql_commands"


async def user_token(platform: Platform, scopes: str = SCOPES) -> str:
    url = f"{platform.url}/open-apis/authen/v1/authorize?client_id={platform.app_id}&redirect_uri={REDIRECT}"
    wish = {"url": f"{url}&scope={scopes}", "person": "lilei"}
    code = (await platform.control("POST", "authorize", wish))["redirect"].rpartition("=")[2]
    body = {
        "grant_type": "authorization_code",
        "client_id": platform.app_id,
        "client_secret": platform.secret,
        "code": code,
    }
    return (await platform.http.post("/oauth/v3/token", json=body)).json()["access_token"]


@pytest.fixture
async def token(platform: Platform) -> str:
    return await user_token(platform)


async def test_our_client_and_the_sdk_agree(served: Platform) -> None:
    token = await user_token(served)
    sdk = await asyncio.create_subprocess_exec(
        sys.executable, str(SDK), served.url, token, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(sdk.communicate(), PATIENCE)
    seen = json.loads(output)
    assert seen["codes"] == [0] * 5
    assert (seen["ids"], seen["has_more"]) == (1, False)

    def look() -> dict[str, object]:
        transport = Transport(httpx2.Client(trust_env=False))
        credentials = AppCredentials(served.app_id, served.secret, Addresses(served.url, served.url))
        call = UserAPI(credentials, token, transport)
        workspace = WorkspaceClient(call, "workspace_demo01")
        rows = workspace.read("student", select="name,age", filter="age=gt.10", order="age.desc", page_size=2)
        ids = workspace.insert("student", [{"name": "Cy", "age": 20}])
        counted = workspace.sql("SELECT count(*) AS n FROM student")
        assert workspace.update("student", {"age": 21}, filter=f"_id=eq.{ids[0]}") == ids
        assert workspace.update_rows("student", [{"_id": ids[0], "age": 22}]) == ids
        assert workspace.read("student", filter="name=eq.Cy").items[0]["age"] == 22
        workspace.delete("student", filter="name=eq.Cy")
        assert [row["name"] for row in workspace.read_all("student", order="age")] == ["Bo", "Ann", "陈晨"]
        assert workspace.sql("UPDATE student SET age = age") == []
        [table] = workspace.tables()
        assert [column.name for column in table.columns] == ["_id", "name", "age", "active"]
        apps = [app.namespace for app in list_apps(call)]
        transport.close()
        return {"rows": rows.items, "total": rows.total, "counted": counted, "apps": apps}

    found = await asyncio.to_thread(look)
    assert found == {name: seen[name] for name in found}
    assert found["rows"] == [{"name": "陈晨", "age": 15}, {"name": "Ann", "age": 12}]


async def test_app_itself_is_refused(platform: Platform) -> None:
    answer = await platform.api("GET", STUDENTS)
    assert answer.json()["code"] == 99991663


async def test_person_who_has_not_allowed_it_is_named_the_scopes(platform: Platform) -> None:
    token = await user_token(platform, "app_engine:workspace.table.record:read")
    assert (await platform.api("GET", STUDENTS, token=token)).json()["code"] == 0
    refused = (await platform.api("DELETE", STUDENTS, token=token, params={"filter": "age=gt.1"})).json()
    assert refused["code"] == 99991679
    subjects = [violation["subject"] for violation in refused["error"]["permission_violations"]]
    assert subjects == ["app_engine:workspace.table.record:write"]


@pytest.mark.parametrize(
    ("method", "path", "options"),
    [
        ("GET", STUDENTS.replace("demo01", "other"), {}),
        ("GET", STUDENTS.replace("student", "teacher"), {}),
        ("GET", STUDENTS, {"params": {"filter": "height=gt.1"}}),
        ("GET", STUDENTS, {"params": {"filter": "age=about.1"}}),
        ("GET", STUDENTS, {"params": {"select": "name; DROP TABLE student"}}),
        ("GET", STUDENTS, {"params": {"order": "age.sideways"}}),
        ("GET", STUDENTS, {"params": {"page_size": 501}}),
        ("POST", STUDENTS, {"json": {"records": [{"name": "Cy"}]}}),
        ("POST", STUDENTS, {"json": {"records": "[]"}}),
        ("POST", STUDENTS, {"json": {"records": '[{"height":1}]'}}),
        ("POST", STUDENTS, {"json": {"records": '[{"name":"Cy"},{"name":"Ann"}]'}}),
        ("PATCH", STUDENTS, {"json": {"record": '{"age":1}'}}),
        ("DELETE", STUDENTS, {}),
        ("PATCH", f"{STUDENTS}_batch_update", {"json": {"records": '[{"age":1}]'}}),
        ("POST", SQL, {"json": {"sql": "SELEC"}}),
        ("POST", SQL, {"json": {"sql": "ATTACH DATABASE '/tmp/x' AS x"}}),
        ("POST", SQL, {"json": {"sql": "PRAGMA user_version = 3"}}),
        ("POST", SQL, {"json": {"sql": "BEGIN"}}),
        ("POST", SQL, {"json": {"sql": "SELECT 1; SELECT 2"}}),
        (
            "POST",
            SQL,
            {"json": {"sql": "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM r) SELECT count(*) FROM r"}},
        ),
    ],
)  # fmt: skip
async def test_wrong_parameters_are_refused_and_change_nothing(
    platform: Platform, token: str, method: str, path: str, options
) -> None:
    answer = await platform.api(method, path, token=token, **options)
    assert (answer.status_code, answer.json()["code"]) == (400, 2320001)
    rows = (await platform.api("GET", STUDENTS, token=token)).json()["data"]
    assert rows["total"] == 3


@pytest.mark.parametrize(
    ("prefer", "age"), [("resolution=merge-duplicates", 99), ("resolution=ignore-conflicts", 12)]
)
async def test_rows_that_are_there_are_overwritten_or_left(
    platform: Platform, token: str, prefer: str, age: int
) -> None:
    body = {"records": '[{"name":"Ann","age":99}]'}
    bearer = {"Authorization": f"Bearer {token}", "Prefer": prefer}
    url = f"/open-apis/{STUDENTS}"
    answer = await platform.http.post(url, json=body, params={"on_conflict": "name"}, headers=bearer)
    assert answer.json()["code"] == 0
    rows = await platform.api("GET", STUDENTS, token=token, params={"filter": "name=eq.Ann"})
    assert json.loads(rows.json()["data"]["items"])[0]["age"] == age


async def test_pages_follow_each_other(platform: Platform, token: str) -> None:
    first = (await platform.api("GET", STUDENTS, token=token, params={"page_size": 2})).json()["data"]
    again = {"page_size": 2, "page_token": first["page_token"]}
    last = (await platform.api("GET", STUDENTS, token=token, params=again)).json()["data"]
    assert (first["has_more"], last["has_more"], "page_token" in last) == (True, False, False)
    assert len(json.loads(first["items"]) + json.loads(last["items"])) == 3
