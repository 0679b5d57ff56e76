"""Departments: who is in them directly, and what is below them."""

from sandbox.world import ids
from tests.sandbox.conftest import Platform

ENGINEERING = ids.open_department_id("engineering")


async def names_in(platform: Platform, path: str, **query: str) -> list[str]:
    data = (await platform.api("GET", f"contact/v3/{path}", params=query)).json()["data"]
    return [item["name"] for item in data["items"]]


async def test_department_lists_who_is_in_it_directly(platform: Platform) -> None:
    assert await names_in(platform, "users/find_by_department", department_id="0") == ["王芳"]
    assert await names_in(platform, "users/find_by_department", department_id=ENGINEERING) == ["韩梅梅"]
    query = {"department_id": "backend", "department_id_type": "department_id"}
    assert await names_in(platform, "users/find_by_department", **query) == ["李雷"]


async def test_children_are_the_next_level_or_all_below(platform: Platform) -> None:
    assert await names_in(platform, "departments/0/children") == ["研发部", "市场部"]
    assert await names_in(platform, "departments/0/children", fetch_child="true") == [
        "研发部",
        "市场部",
        "后端组",
    ]


async def test_lists_come_in_pages(platform: Platform) -> None:
    path, query = "contact/v3/departments/0/children", {"fetch_child": "true", "page_size": "2"}
    first = (await platform.api("GET", path, params=query)).json()["data"]
    assert (len(first["items"]), first["has_more"]) == (2, True)
    query["page_token"] = first["page_token"]
    rest = (await platform.api("GET", path, params=query)).json()["data"]
    assert ([item["name"] for item in rest["items"]], rest["has_more"]) == (["后端组"], False)


async def test_department_is_described_and_an_unknown_one_refused(platform: Platform) -> None:
    answer = await platform.api("GET", f"contact/v3/departments/{ENGINEERING}")
    about = answer.json()["data"]["department"]
    assert (about["name"], about["parent_department_id"], about["member_count"]) == ("研发部", "0", 2)
    for path in ("departments/od-x", "departments/od-x/children"):
        assert (await platform.api("GET", f"contact/v3/{path}")).json()["code"] == 99992353
    wrong = await platform.api("GET", "contact/v3/departments/0/children", params={"page_size": "51"})
    assert wrong.json()["code"] == 99992402
