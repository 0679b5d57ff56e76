"""Looking recipients up at the platform: e-mails and phone numbers fifty at once, numbers one by one, departments page by
page. Each call's answer is written down before the next call, so that a worker that dies has nothing to repeat but one.

Needs contact:user.id:readonly for addresses, contact:contact.base:readonly for the rest, contact:department.base:readonly for
departments by name, im:chat:read for chats by name.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from bots.enums import RecipientKind, RecipientProblem, RecipientState
from bots.mailings.outcome import failure_of
from bots.mailings.recipients import MAX_RECIPIENTS
from bots.models import Bot, Person
from bots.models.mailings import Recipient
from bots.people.directory import people_called, remember
from bots.people.keys import folded
from core.database.connections import give_back
from core.database.text import storable
from feishu.codes import ABOUT_ID
from feishu.directory import MAX_PEOPLE, Directory, all_pages
from feishu.errors import APIError, FeishuError, MalformedAnswer
from feishu.people import Department

if TYPE_CHECKING:
    from django.db.models import QuerySet

CALL_SECONDS: Final = 10.0
"""For one call."""
MAX_PAGES: Final = 100
"""Of departments or chats that are looked through at once."""
MAX_TOKEN: Final = 500
"""Characters of a page token; the column is as wide."""
ADDRESSES: Final = (RecipientKind.EMAIL, RecipientKind.PHONE)
ROOT: Final = "0"
"""The department that is the company."""


def look_up_next(bot: Bot, rows: "QuerySet[Any]", directory: Directory, *, gives_up: bool) -> bool:
    """Look up the next recipients of a mailing's ``rows``, with a call or two; False when none wait any more.

    Raises FeishuError where trying again may help, unless the caller ``gives_up``: then these recipients have failed.
    """
    waiting = rows.filter(state=RecipientState.WAITING).order_by("pk")
    first = waiting.first()
    if first is None:
        return False
    batch = [first]
    if first.kind in ADDRESSES:
        batch = list(waiting.filter(kind__in=ADDRESSES)[:MAX_PEOPLE])
    give_back(before_waiting=True)
    try:
        _LOOK_UPS[RecipientKind(first.kind)](bot, rows, batch, directory)
    except FeishuError as error:
        if error.retryable and not gives_up:
            raise
        is_nobody = isinstance(error, APIError) and error.code in ABOUT_ID
        state = RecipientState.NOT_FOUND if is_nobody else RecipientState.FAILED
        rows.filter(pk__in=[row.pk for row in batch], state=RecipientState.WAITING).update(
            state=state, **failure_of(error)
        )
    return True


@transaction.atomic
def settle(rows: "QuerySet[Any]", found: dict[int, str]) -> None:
    """Write down whom rows mean: the target by primary key, empty for nobody. Whom another row means already is repeated."""
    taken = set(rows.filter(target__in=[*filter(None, found.values())]).values_list("target", flat=True))
    for pk, target in found.items():
        row = rows.filter(pk=pk, state=RecipientState.WAITING)
        if not target:
            row.update(state=RecipientState.NOT_FOUND)
        elif target in taken:
            row.update(state=RecipientState.REPEATED)
        else:
            row.update(state=RecipientState.READY, target=target)
            taken.add(target)


def _addresses(_bot: Bot, rows: "QuerySet[Any]", batch: list[Recipient], directory: Directory) -> None:
    found = directory.open_ids_at([row.given for row in batch])
    settle(rows, {row.pk: found.get(row.given, "") for row in batch})


def _number(bot: Bot, rows: "QuerySet[Any]", batch: list[Recipient], directory: Directory) -> None:
    """What is no employee's number may be a name in Latin letters."""
    [row] = batch
    try:
        open_id = directory.open_id_of(row.given)
    except APIError as error:
        if error.code not in ABOUT_ID:
            raise
        open_id = ""
    if open_id or row.kind == RecipientKind.UNION_ID:
        settle(rows, {row.pk: open_id})
    else:
        _name(bot, rows, batch, directory)


def _name(bot: Bot, rows: "QuerySet[Any]", batch: list[Recipient], _directory: Directory) -> None:
    """By the whole name, among the people whom the bot has to do with: the platform finds nobody by name for an app."""
    [row] = batch
    wanted = folded(row.given)
    called = [
        person
        for person in people_called(row.given, among=Person.objects.filter(bot=bot))
        if wanted in {folded(person.name), folded(person.en_name)}
    ]
    _settle_named(rows, row, [person.open_id for person in called])


def _chat(_bot: Bot, rows: "QuerySet[Any]", batch: list[Recipient], directory: Directory) -> None:
    """By the whole name, among the groups that the bot is in."""
    [row] = batch
    wanted = folded(row.given)
    chats = all_pages(lambda token: directory.chats(page_token=token), most=MAX_PAGES)
    found = [chat.chat_id for chat in chats if folded(chat.name) == wanted]
    _settle_named(rows, row, found)


def _department(bot: Bot, rows: "QuerySet[Any]", batch: list[Recipient], directory: Directory) -> None:
    """A step of a department: find it by name, list the departments below it, then a page of its people."""
    [row] = batch
    if not row.target:
        _find_department(rows, row, directory)
    elif row.is_direct:
        _list_departments(rows, row, directory)
    else:
        _list_people(bot, rows, row, directory)


def _find_department(rows: "QuerySet[Any]", row: Any, directory: Directory) -> None:
    if row.given == ROOT or row.given.startswith("od-"):
        found = [row.given]
    else:
        found = [
            department.open_department_id
            for department in _departments_below(ROOT, directory)
            if folded(row.given) in map(folded, department.names)
        ]
    if len(found) != 1:
        _settle_named(rows, row, found)
        return
    # One that is listed already: its people are recipients in any case.
    if rows.filter(target=found[0]).exists():
        rows.filter(pk=row.pk).update(state=RecipientState.REPEATED)
    else:
        rows.filter(pk=row.pk).update(target=found[0])


def _list_departments(rows: "QuerySet[Any]", row: Any, directory: Directory) -> None:
    below = [department.open_department_id for department in _departments_below(row.target, directory)]
    with transaction.atomic():
        _add(rows, row, [department_id for department_id in below if department_id], is_direct=False)
        rows.filter(pk=row.pk).update(is_direct=False)


def _departments_below(department_id: str, directory: Directory) -> Iterator[Department]:
    return all_pages(
        lambda token: directory.departments_below(department_id, page_token=token), most=MAX_PAGES
    )


def _list_people(bot: Bot, rows: "QuerySet[Any]", row: Any, directory: Directory) -> None:
    page = directory.people_in(row.target, page_token=row.cursor)
    people = {profile.open_id: profile for profile in page.items if profile.open_id}
    if len(page.next_token) > MAX_TOKEN or page.next_token == row.cursor != "":
        raise MalformedAnswer("the token of the next page leads nowhere")
    with transaction.atomic():
        new = set(people) - set(rows.filter(target__in=people).values_list("target", flat=True))
        if rows.filter(state=RecipientState.READY).count() + len(new) > MAX_RECIPIENTS:
            rows.filter(pk=row.pk).update(state=RecipientState.FAILED, reason=RecipientProblem.TOO_MANY)
            return
        remember(bot, list(people.values()))
        _add(rows, row, [storable(one, 128) for one in people if one in new], state=RecipientState.READY)
        is_last = not page.next_token
        rows.filter(pk=row.pk).update(
            cursor=page.next_token, state=RecipientState.EXPANDED if is_last else RecipientState.WAITING
        )


def _add(rows: "QuerySet[Any]", row: Any, targets: list[str], **values: object) -> None:
    """Recipients of their own, for the department that ``row`` names."""
    make: Any = type(row)
    made = [
        make(
            mailing_id=row.mailing_id,
            bot_id=row.bot_id,
            kind=RecipientKind.DEPARTMENT,
            given=storable(row.given, 254),
            target=target,
            **values,
        )
        for target in targets
    ]
    rows.model._default_manager.bulk_create(made, ignore_conflicts=True)


def _settle_named(rows: "QuerySet[Any]", row: Recipient, found: list[str]) -> None:
    if len(set(found)) > 1:
        rows.filter(pk=row.pk).update(state=RecipientState.NOT_FOUND, reason=RecipientProblem.AMBIGUOUS)
    else:
        settle(rows, {row.pk: found[0] if found else ""})


_LOOK_UPS: Final[dict[RecipientKind, Callable[[Bot, Any, list[Any], Directory], None]]] = {
    RecipientKind.EMAIL: _addresses,
    RecipientKind.PHONE: _addresses,
    RecipientKind.USER_ID: _number,
    RecipientKind.UNION_ID: _number,
    RecipientKind.NAME: _name,
    RecipientKind.DEPARTMENT: _department,
    RecipientKind.CHAT: _chat,
}
