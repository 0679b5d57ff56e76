"""`/open-apis/contact/v3`: the departments of the sandbox's company, and who is in them.

Pages "Obtain the users of a department", "Obtain department", "Obtain sub-departments".
"""

from typing import Any, Final

from sandbox.config import DepartmentConfig
from sandbox.errors import PlatformError
from sandbox.platform.api_front import Call, admit, invalid_field
from sandbox.platform.directory import CONTACT_SCOPES, describe_person
from sandbox.platform.paging import page
from sandbox.world import ids
from sandbox.world.world import World

DEPARTMENT_SCOPES: Final = (*CONTACT_SCOPES, "contact:department.base:readonly")
MAX_PAGE: Final = 50
COMPANY: Final = DepartmentConfig(id=ids.ROOT_DEPARTMENT, name="沙箱", en_name="Sandbox", parent="")


async def find_by_department(call: Call) -> dict[str, Any]:
    """The people who are in the department directly; those of its sub-departments are not among them."""
    caller = await admit(call, "contact.user.find_by_department", user=True, scopes=CONTACT_SCOPES)
    app, world = caller.app, call.world
    department = _find(call, call.query.get("department_id", ""))
    people = [
        person
        for person in world.people_in(department.id)
        if person.tenant_key == app.tenant_key and world.may_use(app, person)
    ]
    return page(call, [describe_person(call, app, person) for person in people], most=MAX_PAGE)


async def department(call: Call) -> dict[str, Any]:
    await admit(call, "contact.department.get", user=True, scopes=DEPARTMENT_SCOPES)
    about = _describe(call.world, _find(call, call.path("department_id")))
    return {"code": 0, "msg": "success", "data": {"department": about}}


async def children(call: Call) -> dict[str, Any]:
    """The sub-departments, with `fetch_child` those below them as well."""
    await admit(call, "contact.department.children", user=True, scopes=DEPARTMENT_SCOPES)
    fetch_child = call.query.get("fetch_child", "false").lower()
    if fetch_child not in {"true", "false"}:
        raise invalid_field("fetch_child", "fetch_child must be a boolean")
    above = _find(call, call.path("department_id"))
    below = _below(call.world, above.id, deep=fetch_child == "true")
    return page(call, [_describe(call.world, one) for one in below], most=MAX_PAGE)


def _find(call: Call, department_id: str) -> DepartmentConfig:
    """By the kind of id that the query names; open_department_id unless it does."""
    if department_id == COMPANY.id:
        return COMPANY
    kind = call.query.get("department_id_type", "open_department_id")
    if kind not in {"open_department_id", "department_id"}:
        raise invalid_field("department_id_type", "department_id_type is invalid")
    for one in call.world.departments.values():
        if department_id == (one.id if kind == "department_id" else ids.open_department_id(one.id)):
            return one
    raise PlatformError(99992353, "not a valid {department_id}: there is no such department")


def _below(world: World, department_id: str, *, deep: bool) -> list[DepartmentConfig]:
    found = [one for one in world.departments.values() if one.parent == department_id]
    for one in list(found) if deep else ():
        found += _below(world, one.id, deep=True)
    return found


def _describe(world: World, about: DepartmentConfig) -> dict[str, Any]:
    members = {
        person.id
        for one in (about, *_below(world, about.id, deep=True))
        for person in world.people_in(one.id)
    }
    return {
        "name": about.name,
        "i18n_name": {"zh_cn": about.name, "en_us": about.en_name},
        "parent_department_id": ids.open_department_id(about.parent) if about.parent else "",
        "department_id": about.id,
        "open_department_id": ids.open_department_id(about.id),
        "member_count": len(members),
        "status": {"is_deleted": False},
    }
