"""How an open connection came to its end."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from websockets.exceptions import ConnectionClosed


class EndKind(StrEnum):
    STOPPED = "stopped"
    """It was ended here, on purpose."""
    GIVEN_UP = "given_up"
    """It was given up here for a better one, as when the machine has slept."""
    SILENT = "silent"
    """No frame came for longer than the platform's rhythm allows, or a ping remained without an answer."""
    CLOSED = "closed"
    """The platform said goodbye."""
    NETWORK = "network"
    """The line was cut, or takes nothing any more."""
    ERROR = "error"
    """An error of our own."""


@dataclass(frozen=True, slots=True)
class ConnectionEnding:
    """Why a connection ended. `code`: the close code of the WebSocket, where the platform gave one."""

    kind: EndKind
    message: str = ""
    code: int | None = None

    def __str__(self) -> str:
        return self.message or self.kind.value


STOPPED: Final = ConnectionEnding(EndKind.STOPPED)
"""What an observer is told when the connection was ended on purpose."""


def of_closed(error: ConnectionClosed) -> ConnectionEnding:
    """The ending behind the library's exception: with a close frame of the peer, or without."""
    if error.rcvd is not None:
        return ConnectionEnding(EndKind.CLOSED, str(error), error.rcvd.code)
    return ConnectionEnding(EndKind.NETWORK, str(error))
