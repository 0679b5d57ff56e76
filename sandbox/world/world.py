"""The whole sandbox: everything it knows, in one place."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.config import AppConfig, PersonConfig, SandboxConfig
from sandbox.errors import TokenError
from sandbox.world import ids
from sandbox.world.answers import Answers
from sandbox.world.authorizations import Authorizations
from sandbox.world.calls import CallLog
from sandbox.world.cards import CardEntities
from sandbox.world.connections import Connections
from sandbox.world.deliveries import Books
from sandbox.world.faults import FaultBoard
from sandbox.world.hooks import Hooks
from sandbox.world.limits import Window
from sandbox.world.messages import Mailbox
from sandbox.world.registrations import Registrations
from sandbox.world.resources import Resources
from sandbox.world.tasks import Tasks
from sandbox.world.tenant_tokens import TenantTokens
from sandbox.world.watchers import Watchers
from sandbox.world.workspaces import DEMO_WORKSPACE, Workspace

_CALLBACK_TOKENS = 10_000


@dataclass(slots=True, kw_only=True)
class CallbackToken:
    """The `c-…` token of one click: half an hour, two delayed updates, once the click was answered."""

    app_id: str
    message_id: str
    preview_token: str
    """Of a click on the card of a link's preview, else ""."""
    created_at: float
    answered: bool = False
    uses: int = 0


class World:
    """State in memory; `clock` gives seconds of the epoch."""

    def __init__(self, config: SandboxConfig, clock: Callable[[], float] = time.time) -> None:
        self.config = config
        self.clock = clock
        self.watchers = Watchers()
        self.connections = Connections()
        self._fill()

    def _fill(self) -> None:
        config = self.config
        self.speed = config.speed
        self.rate_limits = config.rate_limits
        self.ack_deadline = config.ack_deadline
        self.apps: dict[str, AppConfig] = {}
        self.people: dict[str, PersonConfig] = {}
        self.departments = {department.id: department for department in config.departments}
        self._by_open_id: dict[str, tuple[str, str]] = {}
        self.mailbox = Mailbox()
        self.tenant_tokens = TenantTokens()
        self.registrations = Registrations(self.clock)
        self.authorizations = Authorizations(self.clock, self._vet)
        self.workspaces = {DEMO_WORKSPACE: Workspace()}
        self.books = Books(config.keep_deliveries)
        self.calls = CallLog(config.keep_calls)
        self.faults = FaultBoard()
        self.answers = Answers()
        self.resources = Resources()
        self.card_entities = CardEntities()
        self.hooks = Hooks()
        self.tasks = Tasks()
        self.callback_tokens: OrderedDict[str, CallbackToken] = OrderedDict()
        self.scale_rates(1.0)
        self.per_recipient = Window(5, 1.0, self.clock)
        self.patches_per_message = Window(5, 1.0, self.clock)
        self.calls_per_card = Window(10, 1.0, self.clock)
        for person in config.people:
            self.put_person(person)
        for app in config.apps:
            self.put_app(app)

    def reset(self) -> None:
        """Forget everything but what the sandbox was started with, and the connections that are open."""
        self._fill()

    @property
    def now_ms(self) -> int:
        return int(self.clock() * 1000)

    def put_app(self, app: AppConfig) -> None:
        self.apps[app.app_id] = app
        for person_id in self.people:
            self._by_open_id[ids.open_id(app.app_id, person_id)] = (app.app_id, person_id)

    def put_person(self, person: PersonConfig) -> None:
        self.people[person.id] = person
        for app_id in self.apps:
            self._by_open_id[ids.open_id(app_id, person.id)] = (app_id, person.id)

    def scale_rates(self, factor: float) -> None:
        """Allow so many times what the platform allows; whatever was counted so far is forgotten."""
        self.per_second = Window(round(50 * factor), 1.0, self.clock)
        self.per_minute = Window(round(1000 * factor), 60.0, self.clock)

    def owner_of_open_id(self, open_id: str) -> tuple[str, str] | None:
        """The app that knows a person by this open_id, and the person."""
        return self._by_open_id.get(open_id)

    def person_by_union_id(self, union_id: str) -> PersonConfig | None:
        return next((p for p in self.people.values() if ids.union_id(p.id) == union_id), None)

    def person_by_email(self, email: str) -> PersonConfig | None:
        return next((p for p in self.people.values() if ids.email(p.id) == email.lower()), None)

    def people_in(self, department_id: str) -> list[PersonConfig]:
        """Who is in the department directly."""
        return [
            person
            for person in self.people.values()
            if department_id in (person.departments or [ids.ROOT_DEPARTMENT])
        ]

    def may_use(self, app: AppConfig, person: PersonConfig) -> bool:
        """Whether the person is in the app's availability range."""
        return app.available_to is None or person.id in app.available_to

    def _vet(self, app: AppConfig, person_id: str) -> None:
        person = self.people.get(person_id)
        if person is None:
            raise TokenError(20008, "The user does not exist.")
        if person.status != "active":
            raise TokenError(20066, "The status of the user is invalid.")
        if not self.may_use(app, person):
            raise TokenError(20010, "The user has no permission to use the app.")

    def new_callback_token(self, app_id: str, message_id: str, preview_token: str = "") -> str:
        value = ids.callback_token()
        self.callback_tokens[value] = CallbackToken(
            app_id=app_id, message_id=message_id, preview_token=preview_token, created_at=self.clock()
        )
        if len(self.callback_tokens) > _CALLBACK_TOKENS:
            self.callback_tokens.popitem(last=False)
        return value
