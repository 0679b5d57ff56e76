"""Card entities: cards apart from their messages."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

_KEPT: Final = 10_000
STREAMING_SECONDS: Final = 600.0
"""After so long the platform ends streaming by itself."""
LIFE_SECONDS: Final = 14 * 86400.0
"""That an entity can be worked with."""


@dataclass(slots=True, kw_only=True)
class CardEntity:
    """`message_ids`: where the card is shown; what changes it changes there. `uuids`: of the last calls. `clicks`: that
    wait for their answer. Times are the world's; `streaming_since` counts while `streams`."""

    card_id: str
    app_id: str
    card: dict[str, Any]
    created_at: float = 0.0
    sequence: int = 0
    uuids: list[str] = field(default_factory=list)
    message_ids: list[str] = field(default_factory=list)
    streaming_since: float = 0.0
    clicks: int = 0

    @property
    def streams(self) -> bool:
        return self.card.get("config", {}).get("streaming_mode") is True

    @contextmanager
    def clicked(self) -> Iterator[None]:
        """While somebody who clicked waits for the answer, nothing else may change the card."""
        self.clicks += 1
        try:
            yield
        finally:
            self.clicks -= 1


class CardEntities:
    def __init__(self) -> None:
        self._entities: OrderedDict[str, CardEntity] = OrderedDict()

    def add(self, entity: CardEntity) -> None:
        self._entities[entity.card_id] = entity
        if len(self._entities) > _KEPT:
            self._entities.popitem(last=False)

    def newest(self, count: int) -> list[CardEntity]:
        """The last so many, oldest first."""
        return list(self._entities.values())[-count:]

    def get(self, card_id: object) -> CardEntity | None:
        return self._entities.get(card_id) if isinstance(card_id, str) else None

    def of_message(self, message_id: str) -> CardEntity | None:
        return next((e for e in self._entities.values() if message_id in e.message_ids), None)
