"""Card entities: cards apart from their messages."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final

_KEPT: Final = 10_000


@dataclass(slots=True, kw_only=True)
class CardEntity:
    """`message_ids`: where the card is shown; what changes it changes there."""

    card_id: str
    app_id: str
    card: dict[str, Any]
    sequence: int = 0
    uuid: Any = None
    message_ids: list[str] = field(default_factory=list)


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
