"""Whom a line means: an id, an e-mail address, a phone number, a name."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from bots.enums import RecipientKind, RecipientState
from bots.models.mailings import Mailing, Recipient
from core.database.text import storable
from feishu.openapi import receive_id_type

MAX_NAMED: Final = 1_000
"""Recipients that one request or form names; a department is one of them."""
MAX_RECIPIENTS: Final = 5_000
"""Of one mailing, with the people of its departments."""
MAX_GIVEN: Final = 254
_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
_PHONE: Final = re.compile(r"\+[0-9][0-9 ()-]{5,24}|1[3-9][0-9]{9}")
_KINDS: Final = {
    "open_id": RecipientKind.OPEN_ID,
    "union_id": RecipientKind.UNION_ID,
    "chat_id": RecipientKind.CHAT_ID,
    "email": RecipientKind.EMAIL,
}
_AS_THEY_ARE: Final = (RecipientKind.OPEN_ID, RecipientKind.CHAT_ID)
"""What the platform is sent to without a look-up."""


@dataclass(frozen=True, slots=True)
class Named:
    """A recipient as somebody named it."""

    kind: RecipientKind
    given: str

    @classmethod
    def by_look(cls, text: str) -> "Named":
        """What kind it is, by its look: ou_, on_, oc_, od- and @; a phone number of China, or one that begins with +; what
        could be no id is a name; everything else an employee number."""
        plain = " ".join(unicodedata.normalize("NFKC", text).split())  # Chinese keyboards write ＠ and １３８
        if _PHONE.fullmatch(plain):
            return cls(RecipientKind.PHONE, re.sub(r"[ ()-]", "", plain))
        if plain.startswith("od-"):
            return cls(RecipientKind.DEPARTMENT, plain)
        if not _ID.fullmatch(plain):
            return cls(RecipientKind.EMAIL if "@" in plain else RecipientKind.NAME, plain)
        return cls(_KINDS.get(receive_id_type(plain), RecipientKind.USER_ID), plain)


def rows_for(
    mailing: Mailing, named: Iterable[Named], *, recipients: type[Recipient], **values: Any
) -> list[Recipient]:
    """Unsaved rows, one for each recipient that was named; what was named twice in the same words is there once."""
    make: Any = recipients
    rows = []
    for one in dict.fromkeys(named):
        known = one.kind in _AS_THEY_ARE
        rows.append(
            make(
                mailing=mailing,
                bot_id=mailing.bot_id,
                kind=one.kind,
                given=storable(one.given, MAX_GIVEN),
                target=storable(one.given, 128) if known else "",
                state=RecipientState.READY if known else RecipientState.WAITING,
                **values,
            )
        )
    return rows
