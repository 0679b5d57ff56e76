"""`/open-apis/contact/v3`: several people at once. Pages "Obtain user list", "Get user ID via email or mobile"."""

from typing import Any, Final

from sandbox.errors import PlatformError
from sandbox.platform.api_front import Call, admit
from sandbox.platform.directory import CONTACT_SCOPES, describe_person
from sandbox.platform.recipients import find_person
from sandbox.world import ids

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
