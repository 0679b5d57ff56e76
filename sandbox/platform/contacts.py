"""`/open-apis/contact/v3`: several people at once, and the one department of this sandbox.

Pages "Obtain user list", "Get user ID via email or mobile", "Obtain the users of a department", "Obtain department".
"""

from typing import Any, Final

from sandbox.errors import PlatformError
from sandbox.platform.directory import CONTACT_SCOPES, describe_person
from sandbox.platform.gateway import Call, admit
from sandbox.platform.paging import page
from sandbox.platform.recipients import find_person
from sandbox.world import ids

DEPARTMENT_SCOPES: Final = (*CONTACT_SCOPES, "contact:department.base:readonly")
ROOT: Final = "0"
MAX_BATCH: Final = 50


async def batch(call: Call) -> dict[str, Any]:
    caller = await admit(call, "contact.user.batch", user=True, scopes=CONTACT_SCOPES)
    wanted, id_type = call.request.query_params.getlist("user_ids"), call.query.get("user_id_type", "open_id")
    if not 0 < len(wanted) <= MAX_BATCH:
        raise PlatformError(40001, f"param error: 1 to {MAX_BATCH} user_ids")
    people = [find_person(call.world, caller.app, user_id, id_type) for user_id in wanted]
    items = [
        describe_person(call, caller.app, person)
        for person in people
        if call.world.may_use(caller.app, person)
    ]
    return {"code": 0, "msg": "success", "data": {"items": items}}


async def batch_get_id(call: Call) -> dict[str, Any]:
    """Ids by e-mail; no one here has a telephone. Who is not found comes without a `user_id`."""
    app = (
        await admit(call, "contact.user.batch_get_id", scopes=(*CONTACT_SCOPES, "contact:user.id:readonly"))
    ).app
    body, id_type = call.json(), call.query.get("user_id_type", "open_id")
    emails, mobiles = body.get("emails") or [], body.get("mobiles") or []
    if (
        not isinstance(emails, list)
        or not isinstance(mobiles, list)
        or len(emails) + len(mobiles) > MAX_BATCH
    ):
        raise PlatformError(40001, f"param error: at most {MAX_BATCH} emails and mobiles")
    found: list[dict[str, str]] = []
    for email in map(str, emails):
        person = call.world.person_by_email(email)
        known = {"email": email}
        if person is not None and call.world.may_use(app, person):
            kinds = {"user_id": person.id, "union_id": ids.union_id(person.id)}
            known["user_id"] = kinds.get(id_type) or ids.open_id(app.app_id, person.id)
        found.append(known)
    found += [{"mobile": mobile} for mobile in map(str, mobiles)]
    return {"code": 0, "msg": "success", "data": {"user_list": found}}


async def find_by_department(call: Call) -> dict[str, Any]:
    caller = await admit(call, "contact.user.find_by_department", user=True, scopes=CONTACT_SCOPES)
    _check_department(call.query.get("department_id", ""))
    app, world = caller.app, call.world
    people = [person for person in world.people.values() if person.tenant_key == app.tenant_key]
    return page(
        call, [describe_person(call, app, person) for person in people if world.may_use(app, person)], most=50
    )


async def department(call: Call) -> dict[str, Any]:
    await admit(call, "contact.department.get", user=True, scopes=DEPARTMENT_SCOPES)
    _check_department(call.path("department_id"))
    about = {
        "name": "沙箱",
        "i18n_name": {"zh_cn": "沙箱", "en_us": "Sandbox"},
        "parent_department_id": "",
        "department_id": ROOT,
        "open_department_id": ROOT,
        "member_count": len(call.world.people),
        "status": {"is_deleted": False},
    }
    return {"code": 0, "msg": "success", "data": {"department": about}}


async def children(call: Call) -> dict[str, Any]:
    await admit(call, "contact.department.children", user=True, scopes=DEPARTMENT_SCOPES)
    _check_department(call.path("department_id"))
    return page(call, [])


def _check_department(department_id: str) -> None:
    if department_id != ROOT:
        raise PlatformError(
            99992353, "not a valid {department_id}: this sandbox has the root department, 0, alone"
        )
