"""Who clicked what, on which card: for the handlers of cards that the portal sends itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from events.models import Event
from feishu.cards import callback_response, toast
from feishu.text import Text
from feishu.values import mapping_of, text_of

NOT_YOURS: Final = callback_response(
    toast=toast(
        "warning",
        Text("这张卡片已失效，或不是发给你的。", "This card is no longer valid, or was not meant for you."),
    )
)
"""The answer to who clicks a card that is for somebody else."""


@dataclass(frozen=True, slots=True)
class Click:
    """What the event does not say is empty. ``value`` is that of the button."""

    open_id: str
    tenant_key: str
    message_id: str
    value: Mapping[str, Any]
    union_id: str = ""

    @classmethod
    def of(cls, event: Event) -> Self:
        data = event.data
        operator = mapping_of(data.get("operator"))
        return cls(
            open_id=text_of(operator.get("open_id")),
            tenant_key=text_of(operator.get("tenant_key")) or event.tenant_key,
            message_id=text_of(mapping_of(data.get("context")).get("open_message_id")),
            value=mapping_of(mapping_of(data.get("action")).get("value")),
            union_id=text_of(operator.get("union_id")),
        )
