"""What bench/event_log.py asks of the event log: pages, filters and their combinations, searches, by whoever may look."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.test import Client

Ask = Callable[[], Any]

BOTS = 8
"""The last of them is quiet: it has the first hundred events, two pages in either database, and one in a thousand of the
others. The one before it fell silent half-way."""
IDLE = 52  # more bots, to which nothing has ever happened
COMMON, RARE = "im.message.receive_v1", "approval.instance.rejected_v4"
UNFAILING = "contact.user.updated_v3"  # of these none failed and none was without a handler
UNHOOKED = "im.message.reaction.created_v1"  # and of these none came by webhook
FAILING = "shop.handlers.h2"  # which all that failed was for
FIRST = datetime.fromisoformat("2026-01-01T00:00:00+00:00")


class Questions:
    """What is asked: by an administrator, by owners of one bot, of many and of none, and by an API client."""

    def __init__(self, apart: timedelta) -> None:
        from bots.models import Bot  # noqa: PLC0415 -- after Django is set up
        from core.access.actors import SYSTEM  # noqa: PLC0415 -- after Django is set up
        from core.access.api_keys import add_api_client  # noqa: PLC0415 -- after Django is set up
        from core.access.scopes import Scope  # noqa: PLC0415 -- after Django is set up
        from tests.factories import make_bot, make_operator, make_subscription  # noqa: PLC0415 -- after Django is set up

        made = [make_bot() for _ in range(BOTS)]
        self.bots = [str(bot.pk) for bot in made]
        idle = [make_bot() for _ in range(IDLE)]
        self._root = _signed_in(make_operator("root", superuser=True))
        self._owners = {}
        for name, owned in {"quiet": made[-1:], "eight": made, "sixty": made + idle, "none": []}.items():
            owner = make_operator(name)
            owner.bots.add(*owned)
            self._owners[name] = _signed_in(owner)
        _, self._key = add_api_client(
            name="bench", scopes=[Scope.EVENTS_READ], bots=[], expires_at=None, actor=SYSTEM
        )
        self.subscription = str(make_subscription().pk)
        self._app_id = Bot.objects.get(pk=self.bots[0]).app_id
        self.apart = apart

    def all(self, size: int) -> dict[str, Ask]:
        """By name, each a call that answers 200."""
        return (
            self._pages(size)
            | self._combinations(size)
            | self._searches()
            | self._owned(size)
            | self._dead_letters()
            | self._other_pages()
            | self._rest()
        )

    def _listed(self, client: "Client", **query: Any) -> Ask:
        from django.urls import reverse  # noqa: PLC0415 -- after Django is set up

        log = reverse("admin:events_event_changelist")
        return lambda: client.get(log, query)

    def _pages(self, size: int) -> dict[str, Ask]:
        root = self._root
        return {
            "newest page": self._listed(root),
            "page in the middle": self._listed(root, before=size // 2),
            "last page": self._listed(root, before=51),
            "filter: common type": self._listed(root, event_type__exact=COMMON),
            "filter: rare type": self._listed(root, event_type__exact=RARE),
            "filter: rare type, page in the middle": self._listed(
                root, event_type__exact=RARE, before=size // 2
            ),
            "filter: type that never came": self._listed(root, event_type__exact="no.such_v1"),
            "filter: failed": self._listed(root, status__exact="dead"),
            "filter: received: none": self._listed(root, status__exact="received"),
            "filter: one bot": self._listed(root, bot__id__exact=self.bots[0]),
            "filter: bot that fell silent": self._listed(root, bot__id__exact=self.bots[-2]),
            "filter: webhook": self._listed(root, arrived_by__exact="webhook"),
        }

    def _combinations(self, size: int) -> dict[str, Ask]:
        root, bot = self._root, {"bot__id__exact": self.bots[0]}
        failed, webhook = {"status__exact": "dead"}, {"arrived_by__exact": "webhook"}
        unfailing, unhooked = {"event_type__exact": UNFAILING}, {"event_type__exact": UNHOOKED}
        quarter = {
            "from": f"{FIRST:%Y-%m-%dT%H:%M}",
            "until": f"{FIRST + size * self.apart / 4:%Y-%m-%dT%H:%M:%S}",
        }
        return {
            "bot, failed": self._listed(root, **bot, **failed),
            "bot, failed, page in the middle": self._listed(root, **bot, **failed, before=size // 2),
            "bot, webhook": self._listed(root, **bot, **webhook),
            "bot, type": self._listed(root, **bot, **unfailing),
            "bot, type, done": self._listed(root, **bot, **unfailing, status__exact="done"),
            "bot, type, failed: none": self._listed(root, **bot, **unfailing, **failed),
            "bot, rare type, failed: none": self._listed(root, **bot, event_type__exact=RARE, **failed),
            "bot, type, no handler: none": self._listed(root, **bot, **unfailing, status__exact="ignored"),
            "bot, type, webhook: none": self._listed(root, **bot, **unhooked, **webhook),
            "type, failed: none": self._listed(root, **unfailing, **failed),
            "type, webhook: none": self._listed(root, **unhooked, **webhook),
            "failed, webhook: none": self._listed(root, **failed, **webhook),
            "silent bot, webhook": self._listed(root, bot__id__exact=self.bots[-2], **webhook),
            "first quarter of the time": self._listed(root, **quarter),
            "first quarter, quiet bot": self._listed(root, **quarter, bot__id__exact=self.bots[-1]),
            "first quarter, failed": self._listed(root, **quarter, **failed),
            "first quarter, bot, type, failed: none": self._listed(
                root, **quarter, **bot, **unfailing, **failed
            ),
            "last 24 hours: none": self._listed(root, since="24h"),
        }

    def _searches(self) -> dict[str, Ask]:
        root, never = self._root, {"q": "no such word"}
        return {
            "search: event ID": self._listed(root, q=_md5("e17")),
            "search: message ID": self._listed(root, q=f"om_{_md5('17')}"),
            "search: log ID": self._listed(root, q=_md5("t17")),
            "payloads: common word": self._listed(root, q="早上好"),
            "payloads: word never written": self._listed(root, **never),
            "payloads: rare type, never written": self._listed(root, **never, event_type__exact=RARE),
            "payloads: bot, never written": self._listed(root, **never, bot__id__exact=self.bots[0]),
            "payloads: silent bot, never written": self._listed(root, **never, bot__id__exact=self.bots[-2]),
            "payloads: failed, never written": self._listed(root, **never, status__exact="dead"),
            "payloads: webhook, never written": self._listed(root, **never, arrived_by__exact="webhook"),
        }

    def _owned(self, size: int) -> dict[str, Ask]:
        from django.urls import reverse  # noqa: PLC0415 -- after Django is set up

        quiet, eight, sixty, none = self._owners.values()
        never, overview = {"q": "no such word"}, reverse("admin:index")
        return {
            "owner of a quiet bot: newest page": self._listed(quiet),
            "owner of a quiet bot: failed: none": self._listed(quiet, status__exact="dead"),
            "owner of a quiet bot: payloads": self._listed(quiet, **never),
            "owner of a quiet bot: overview": lambda: quiet.get(overview),
            "owner of eight bots: newest page": self._listed(eight),
            "owner of eight bots: page in the middle": self._listed(eight, before=size // 2),
            "owner of eight bots: failed": self._listed(eight, status__exact="dead"),
            "owner of eight bots: type, failed: none": self._listed(
                eight, event_type__exact=UNFAILING, status__exact="dead"
            ),
            "owner of eight bots: event ID": self._listed(eight, q=_md5("e17")),
            "owner of eight bots: message ID": self._listed(eight, q=f"om_{_md5('17')}"),
            "owner of eight bots: payloads": self._listed(eight, **never),
            "owner of eight bots: overview": lambda: eight.get(overview),
            "owner of sixty bots: newest page": self._listed(sixty),
            "owner of sixty bots: rare type": self._listed(sixty, event_type__exact=RARE),
            "owner of sixty bots: payloads": self._listed(sixty, **never),
            "owner of sixty bots: overview": lambda: sixty.get(overview),
            "owner of none: newest page": self._listed(none),
            "owner of none: overview": lambda: none.get(overview),
        }

    def _dead_letters(self) -> dict[str, Ask]:
        from django.urls import reverse  # noqa: PLC0415 -- after Django is set up

        root, quiet, eight = self._root, self._owners["quiet"], self._owners["eight"]
        dead = reverse("admin:events_event_dead_letters")
        group = {"handler": FAILING, "kind": "print1"}
        return {
            "dead letters": lambda: root.get(dead),
            "owner of a quiet bot: dead letters": lambda: quiet.get(dead),
            "owner of eight bots: dead letters": lambda: eight.get(dead),
            "dead letters: events of a handler": self._listed(root, handler=FAILING),
            "dead letters: events of a kind": self._listed(root, **group),
            "owner of a quiet bot: events of a kind: none": self._listed(quiet, **group),
            "owner of eight bots: events of a kind": self._listed(eight, **group),
        }

    def _other_pages(self) -> dict[str, Ask]:
        from django.urls import reverse  # noqa: PLC0415 -- after Django is set up

        root = self._root
        replay, tail = reverse("admin:events_event_replay_matching"), reverse("admin:events_event_tail_poll")
        hello = json.dumps({"cursor": None, "filters": {}})
        return {
            "one event": lambda: root.get(reverse("admin:events_event_change", args=[17])),
            "replay: how many failed": lambda: root.get(replay, {"status__exact": "dead"}),
            "replay: how many of a bot failed": lambda: root.get(
                replay, {"status__exact": "dead", "bot__id__exact": self.bots[0]}
            ),
            "live view": lambda: root.post(tail, hello, "application/json"),
            "handlers": lambda: root.get(reverse("admin:events_handledbot_changelist")),
            "subscriptions": lambda: root.get(reverse("admin:events_subscription_changelist")),
            "one subscription": lambda: root.get(
                reverse("admin:events_subscription_change", args=[self.subscription])
            ),
            "overview": lambda: root.get(reverse("admin:index")),
        }

    def _rest(self) -> dict[str, Ask]:
        address = f"/api/v1/bots/{self._app_id}/events"

        def got(path: str, **query: str) -> Ask:
            from django.test import Client  # noqa: PLC0415 -- after Django is set up

            return lambda: Client().get(path, query, headers={"Authorization": f"Bearer {self._key}"})

        return {
            "REST: one event": got("/api/v1/events/17"),
            "REST: newest page": got(address),
            "REST: type": got(address, type=UNFAILING),
            "REST: type, failed: none": got(address, type=UNFAILING, status="dead"),
            "REST: search in payloads": got(address, q="no such word"),
        }


def _signed_in(user: Any) -> "Client":
    from django.test import Client  # noqa: PLC0415 -- after Django is set up

    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()
