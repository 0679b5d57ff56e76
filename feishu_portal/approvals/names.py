"""What chats, documents, tables and people are called, asked with the grant of the person who is to recognize them: what they
may not see has no name here, and nobody else is shown what they may.

A help to the reader and nothing more. Rules went by the ids before anybody asks here; whatever fails, the id stands alone. The
names are kept nowhere.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, TypeAlias

from auth_sessions.domain.tokens.broker import find_grant
from auth_sessions.domain.tokens.user_client import UserCalls
from auth_sessions.errors import AuthError, ScopesLackingError
from bots.errors import BotsError
from bots.models import Bot
from core.vault.keyring import SealedValueError
from feishu.errors import APIError, FeishuError
from feishu.people import Profile
from feishu.values import mapping_of, objects_of, text_of
from feishu_portal.approvals.resources import CHAT, DOCUMENTS, PERSON, TABLE, Resource

logger = logging.getLogger(__name__)

SECONDS: Final = 3.0
"""For all of it: the person waits for their card."""
CALL_SECONDS: Final = 1.5
SHORTEST: Final = 0.2
"""With less time left nothing is asked."""
MAX_CHATS: Final = 2
MAX_IDS: Final = 20
"""Of one kind; a card names fewer."""
MAX_TABLES: Final = 100
"""Of a base, its first ones."""
PROGRAM: Final = "approvals"
"""What *Token use* calls who asked."""

_CHAT_SCOPES: Final = ("im:chat", "im:chat:readonly", "im:chat:read", "im:chat.group_info:readonly")
_DOCUMENT_SCOPES: Final = ("drive:drive", "drive:drive:readonly", "drive:drive.metadata:readonly")
_TABLE_SCOPES: Final = ("bitable:app", "bitable:app:readonly", "base:table:read")
_PEOPLE_SCOPES: Final = (
    "contact:user.base:readonly",
    "contact:contact:readonly",
    "contact:contact:readonly_as_app",
)
"""Any one is enough for names (pages "Obtain group information", "Obtain metadata of files", "List tables", "Obtain user list")."""

Found: TypeAlias = Iterator[tuple[str, object]]
"""Ids and names, as the platform has them."""
Question: TypeAlias = Callable[[float], Found]
"""One call to the platform, within so many seconds."""


def names_for(
    resources: Iterable[Resource], *, bot: Bot, open_id: str, tenant_key: str
) -> dict[Resource, str]:
    """The names that the platform tells this person, as they are: text of strangers. Call it outside of a transaction; it takes
    ``SECONDS`` at most."""
    wanted = list(resources)
    if not wanted:
        return {}
    try:
        granted = find_grant(bot=bot, person=open_id, tenant_key=tenant_key).scopes
    except AuthError:
        return {}
    calls = UserCalls(bot=bot, open_id=open_id, tenant_key=tenant_key, program=PROGRAM, may_wait=False)
    names: dict[Resource, str] = {}
    until = time.monotonic() + SECONDS
    for asked, question in _questions(calls, wanted, frozenset(granted)):
        left = until - time.monotonic()
        if left < SHORTEST:
            break
        try:
            found = dict(question(min(CALL_SECONDS, left)))
        except (APIError, ScopesLackingError) as error:
            logger.info("name_not_told", extra={"app_id": bot.app_id, "error": type(error).__name__})
            continue
        except (AuthError, BotsError, FeishuError, SealedValueError) as error:
            logger.info("names_not_asked", extra={"app_id": bot.app_id, "error": type(error).__name__})
            break
        names |= {one: name for one in asked if (name := text_of(found.get(one.id)))}
    return names


def _questions(
    calls: UserCalls, wanted: Sequence[Resource], granted: frozenset[str]
) -> Iterator[tuple[Sequence[Resource], Question]]:
    """What is asked, and what for: at most five calls, none of which the grant is known not to be good for."""
    if not granted.isdisjoint(_CHAT_SCOPES):
        for chat in [one for one in wanted if one.kind == CHAT][:MAX_CHATS]:
            yield [chat], partial(_chat, calls, chat.id)
    documents = [one for one in wanted if one.kind in DOCUMENTS][:MAX_IDS]
    if documents and not granted.isdisjoint(_DOCUMENT_SCOPES):
        yield documents, partial(_documents, calls, {one.id: one.kind for one in documents})
    tables = [one for one in wanted if one.kind == TABLE][:1]
    if tables and not granted.isdisjoint(_TABLE_SCOPES):
        yield tables, partial(_tables, calls, tables[0].base)
    people = [one for one in wanted if one.kind == PERSON][:MAX_IDS]
    if people and not granted.isdisjoint(_PEOPLE_SCOPES):
        yield people, partial(_people, calls, [one.id for one in people])


def _chat(calls: UserCalls, chat_id: str, timeout: float) -> Found:
    yield chat_id, calls("GET", f"/open-apis/im/v1/chats/{chat_id}", timeout=timeout).data.get("name")


def _documents(calls: UserCalls, kinds: Mapping[str, str], timeout: float) -> Found:
    wanted = [{"doc_token": token, "doc_type": kind} for token, kind in kinds.items()]
    answer = calls(
        "POST",
        "/open-apis/drive/v1/metas/batch_query",
        json={"request_docs": wanted, "with_url": False},
        timeout=timeout,
    )
    for one in objects_of(answer.data.get("metas")):
        yield text_of(one.get("doc_token")), one.get("title")


def _tables(calls: UserCalls, base: str, timeout: float) -> Found:
    path = f"/open-apis/bitable/v1/apps/{base}/tables"
    answer = calls("GET", path, params={"page_size": MAX_TABLES}, timeout=timeout)
    for one in answer.items():
        yield text_of(one.get("table_id")), one.get("name")


def _people(calls: UserCalls, open_ids: Sequence[str], timeout: float) -> Found:
    answer = calls(
        "GET",
        "/open-apis/contact/v3/users/batch",
        params={"user_ids": list(open_ids), "user_id_type": "open_id"},
        timeout=timeout,
    )
    for one in answer.items():
        profile = Profile.of_user(mapping_of(one))
        yield profile.open_id, profile.name or profile.en_name
