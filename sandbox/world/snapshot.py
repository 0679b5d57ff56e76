"""What outlives a restart of the sandbox: a bounded copy of the world, which goes to JSON and comes back.

Connections, pushes, faults, the log of calls and consents under way are left out: they belong to one run.
"""

from collections.abc import Mapping
from itertools import islice
from typing import Final, TypeVar

import msgspec
from msgspec import Struct, structs

from sandbox.config import AppConfig, PersonConfig
from sandbox.world.answers import CannedAnswer
from sandbox.world.authorizations import Grant, RefreshToken, UserToken
from sandbox.world.cards import CardEntity
from sandbox.world.hooks import Hook
from sandbox.world.messages import Chat, Message
from sandbox.world.resources import Resource
from sandbox.world.tasks import Task
from sandbox.world.tenant_tokens import TenantToken
from sandbox.world.world import World

VERSION: Final = 1
"""Of the file; one of another version is not read."""
T = TypeVar("T")
KEPT: Final = 2_000
"""The newest messages and chats, the newest of each kind of token, and the first people."""
KEPT_CARDS: Final = 500
KEPT_BYTES: Final = 8 * 1024 * 1024
"""Of pictures and files together."""


class SavedGrant(Struct, kw_only=True):
    app_id: str
    person_id: str
    grant: Grant


class SavedHook(Struct, kw_only=True):
    token: str
    chat_id: str
    name: str
    secret: str
    keywords: tuple[str, ...]


class Snapshot(Struct, kw_only=True, forbid_unknown_fields=True):
    """Lists are oldest first."""

    version: int = VERSION
    apps: list[AppConfig]
    people: list[PersonConfig]
    chats: list[Chat]
    messages: list[Message]
    resources: list[Resource]
    cards: list[CardEntity]
    hooks: list[SavedHook]
    answers: list[CannedAnswer]
    tasks: list[Task] = []
    """Files that were written before there were tasks have none."""
    grants: list[SavedGrant]
    access_tokens: list[UserToken]
    refresh_tokens: list[RefreshToken]
    tenant_tokens: list[TenantToken]
    speed: float
    rate_limits: bool
    ack_deadline: float


def snapshot_of(world: World) -> bytes:
    """The world as JSON."""
    authorizations = world.authorizations
    access, refresh = _last(authorizations.access_tokens), _last(authorizations.refresh_tokens)
    tokens: list[UserToken | RefreshToken] = [*access, *refresh]
    granted = {(token.app_id, token.person_id) for token in tokens}
    granted |= set(list(authorizations.grants)[-KEPT:])
    return msgspec.json.encode(
        Snapshot(
            apps=list(world.apps.values()),
            people=list(world.people.values())[:KEPT],
            chats=_last(world.mailbox.chats),
            messages=world.mailbox.newest(KEPT),
            resources=world.resources.newest(KEPT_BYTES),
            cards=world.card_entities.newest(KEPT_CARDS),
            hooks=[_saved_hook(hook) for hook in world.hooks.all()],
            answers=world.answers.all(),
            tasks=world.tasks.all()[-KEPT:],
            grants=[
                SavedGrant(app_id=app_id, person_id=person_id, grant=grant)
                for (app_id, person_id), grant in authorizations.grants.items()
                if (app_id, person_id) in granted
            ],
            access_tokens=access,
            refresh_tokens=refresh,
            tenant_tokens=world.tenant_tokens.all(),
            speed=world.speed,
            rate_limits=world.rate_limits,
            ack_deadline=world.ack_deadline,
        )
    )


def restore(world: World, content: bytes) -> None:
    """Put a snapshot in the place of what a world was made with. Raises ValueError for what is no snapshot.

    An app that the sandbox was started with keeps what people changed of it, but has the secret of the start and its
    redirect URLs as well: whoever started it relies on them.
    """
    saved = msgspec.json.decode(content, type=Snapshot)
    if saved.version != VERSION:
        raise ValueError(f"the file is of version {saved.version}, not {VERSION}")
    for person in saved.people:
        world.put_person(person)
    for app in saved.apps:
        world.put_app(_as_started(app, world.apps.get(app.app_id)))
    for chat in saved.chats:
        world.mailbox.chats[chat.chat_id] = chat
    for message in saved.messages:
        world.mailbox.add(message)
    for resource in saved.resources:
        world.resources.keep(resource)
    for card in saved.cards:
        world.card_entities.add(card)
    for hook in saved.hooks:
        world.hooks.add(Hook(**structs.asdict(hook), clock=world.clock))
    for answer in saved.answers:
        world.answers.put(answer)
    world.tasks.keep(saved.tasks)
    _restore_authorizations(world, saved)
    world.speed, world.rate_limits, world.ack_deadline = saved.speed, saved.rate_limits, saved.ack_deadline


def _restore_authorizations(world: World, saved: Snapshot) -> None:
    authorizations = world.authorizations
    for one in saved.grants:
        authorizations.grants[one.app_id, one.person_id] = one.grant
    for token in saved.access_tokens:
        authorizations.access_tokens[token.value] = token
    for refresh in saved.refresh_tokens:
        # In the file the twin is a copy; here a token that expires or is revoked has to be the same object.
        refresh.access = authorizations.access_tokens.get(refresh.access.value, refresh.access)
        authorizations.refresh_tokens[refresh.value] = refresh
    for tenant_token in saved.tenant_tokens:
        world.tenant_tokens.keep(tenant_token)


def _as_started(saved: AppConfig, started: AppConfig | None) -> AppConfig:
    if started is None:
        return saved
    redirect_urls = list(dict.fromkeys([*saved.redirect_urls, *started.redirect_urls]))
    return structs.replace(saved, app_secret=started.app_secret, redirect_urls=redirect_urls)


def _saved_hook(hook: Hook) -> SavedHook:
    return SavedHook(
        token=hook.token, chat_id=hook.chat_id, name=hook.name, secret=hook.secret, keywords=hook.keywords
    )


def _last(by_key: Mapping[str, T]) -> list[T]:
    return list(islice(by_key.values(), max(0, len(by_key) - KEPT), None))
