"""Whom a bot may know and write to: people, departments, and the groups that it is in."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Self, TypeVar
from urllib.parse import quote

from feishu.openapi import OpenAPI, receive_id_type
from feishu.people import Department, Profile
from feishu.values import mapping_of, text_of

T = TypeVar("T")

MAX_PEOPLE: Final = 50
"""Open_ids in one question (page "Obtain user list")."""
MAX_PAGE: Final = 50
"""Entries of one page of a department's people or sub-departments."""
MAX_CHATS: Final = 100
"""Chats in one page."""


@dataclass(frozen=True, slots=True)
class ChatInfo:
    """A group that the bot is in."""

    chat_id: str
    name: str

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Self:
        """From an item of the list of chats."""
        return cls(text_of(item.get("chat_id")), text_of(item.get("name")))


@dataclass(frozen=True, slots=True)
class DirectoryPage(Generic[T]):
    """A part of a list; `next_token` asks for the next one, and is empty at the end."""

    items: list[T]
    next_token: str = ""


def all_pages(ask: Callable[[str], DirectoryPage[T]], *, most: int) -> Iterator[T]:
    """What is on the first `most` pages; `ask` is given the token of a page, empty for the first."""
    token = ""
    for _page in range(most):
        page = ask(token)
        yield from page.items
        token = page.next_token
        if not token:
            return


class Directory:
    """Thread-safe. Every question is given `timeout` seconds (15), and raises what ``OpenAPI.answer`` raises."""

    def __init__(self, api: OpenAPI, *, timeout: float | None = None) -> None:
        self._api = api
        self._timeout = timeout

    def open_id_of(self, person: str) -> str:
        """The open_id, for this app, of the person with this union_id, user_id or e-mail address, told apart by their look;
        empty where the platform knows none.

        An address needs contact:user.id:readonly, the others contact:contact.base:readonly (page "Obtain single user
        information").
        """
        kind = receive_id_type(person)
        if kind == "email":
            return self.open_id_at(person)
        path = f"/open-apis/contact/v3/users/{quote(person, safe='')}"
        answer = self._api.answer("GET", path, params={"user_id_type": kind}, timeout=self._timeout)
        return _open_id(answer.data.get("user"), "open_id")

    def open_id_at(self, address: str) -> str:
        """The open_id, for this app, of the person with this e-mail address or phone number (+ and the country's code outside
        of China); empty where the platform knows none.

        Needs contact:user.id:readonly (page "Obtain user ID via email or mobile number").
        """
        listed = self._ids_at([address])
        return _open_id(listed[0] if listed else None, "user_id")

    def open_ids_at(self, addresses: Sequence[str]) -> dict[str, str]:
        """The same for at most ``MAX_PEOPLE`` addresses, by address; those that the platform does not know are left out."""
        wanted = {address.casefold(): address for address in addresses}
        found: dict[str, str] = {}
        for one in self._ids_at(addresses):
            said = one.get("email") or one.get("mobile")
            address = wanted.get(said.casefold()) if isinstance(said, str) else None
            if address is not None and (open_id := _open_id(one, "user_id")):
                found.setdefault(address, open_id)
        return found

    def _ids_at(self, addresses: Sequence[str]) -> list[dict[str, Any]]:
        emails = [address for address in addresses if "@" in address]
        mobiles = [address for address in addresses if "@" not in address]
        kinds = {"emails": emails, "mobiles": mobiles}
        answer = self._api.answer(
            "POST",
            "/open-apis/contact/v3/users/batch_get_id",
            params={"user_id_type": "open_id"},
            json={kind: listed for kind, listed in kinds.items() if listed},
            timeout=self._timeout,
        )
        return answer.items("user_list")

    def people(self, open_ids: Sequence[str]) -> list[Profile]:
        """Who these open_ids are, at most ``MAX_PEOPLE``. People outside the app's contact range are left out.

        Needs contact:contact.base:readonly, and for names contact:user.base:readonly (page "Obtain user list").
        """
        answer = self._api.answer(
            "GET",
            "/open-apis/contact/v3/users/batch",
            params={"user_ids": list(open_ids), "user_id_type": "open_id"},
            timeout=self._timeout,
        )
        return [Profile.of_user(item) for item in answer.items()]

    def people_in(self, open_department_id: str, *, page_token: str = "") -> DirectoryPage[Profile]:
        """Who is in a department directly; "0" is the company itself. People outside the app's contact range are left out.

        Needs contact:contact.base:readonly (page "Obtain the users of a department", at most 50 in a page).
        """
        params = {
            "department_id": open_department_id,
            "department_id_type": "open_department_id",
            "user_id_type": "open_id",
            "page_size": MAX_PAGE,
        }
        path = "/open-apis/contact/v3/users/find_by_department"
        return self._page(path, params, page_token, Profile.of_user)

    def departments_below(
        self, open_department_id: str, *, page_token: str = ""
    ) -> DirectoryPage[Department]:
        """The departments below one, all levels of them; "0" is the company itself.

        Needs contact:contact.base:readonly, and for names contact:department.base:readonly (page "Obtain sub-departments",
        fetch_child, at most 50 in a page).
        """
        params = {"department_id_type": "open_department_id", "fetch_child": "true", "page_size": MAX_PAGE}
        path = f"/open-apis/contact/v3/departments/{quote(open_department_id, safe='')}/children"
        return self._page(path, params, page_token, Department.of)

    def chats(self, *, page_token: str = "") -> DirectoryPage[ChatInfo]:
        """The groups that the bot is in.

        Needs im:chat:read or im:chat:readonly (page "Obtain the list of groups that a user or bot belongs to", at most 100 in
        a page).
        """
        return self._page("/open-apis/im/v1/chats", {"page_size": MAX_CHATS}, page_token, ChatInfo.of)

    def _page(
        self, path: str, params: Mapping[str, Any], page_token: str, read: Callable[[Mapping[str, Any]], T]
    ) -> DirectoryPage[T]:
        asked = {**params, "page_token": page_token} if page_token else params
        answer = self._api.answer("GET", path, params=asked, timeout=self._timeout)
        token = answer.data.get("page_token") if answer.data.get("has_more") is True else ""
        return DirectoryPage([read(item) for item in answer.items()], text_of(token))


def _open_id(found: object, name: str) -> str:
    open_id = text_of(mapping_of(found).get(name))
    return open_id if receive_id_type(open_id) == "open_id" else ""
