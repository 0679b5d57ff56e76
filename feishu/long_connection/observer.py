"""Who wants to know how a connection fares."""

from typing import Protocol

from feishu.errors import FeishuError
from feishu.long_connection.ending import ConnectionEnding
from feishu.long_connection.messages import Message


class Observer(Protocol):
    """Called from the connection's event loop; must return at once and must not raise."""

    def connecting(self) -> None:
        """An attempt begins."""

    def connected(self, device_id: str) -> None:
        """The socket is open. `device_id`: the platform's name for the connection, perhaps empty."""

    def disconnected(self, ending: ConnectionEnding) -> None:
        """An open socket is closed."""

    def failed(self, error: FeishuError, *, attempt: int, fatal: bool, retry_in: float) -> None:
        """Attempt number `attempt` in a row has failed; the next one comes in `retry_in` seconds.

        `fatal`: a person is needed: the configuration is wrong, or five attempts in a row have failed.
        Attempts go on all the same.
        """

    def waiting(self, seconds: float) -> None:
        """The next attempt begins in so many seconds, or before if there is a reason to hurry."""

    def frame(self, message: Message) -> None:
        """A complete message came."""

    def heartbeat(self, interval: float | None, *, expected: float) -> None:
        """The platform answered a ping, `interval` seconds after the last answer.

        None for the first answer since the connection began or since the platform changed the rhythm, and for nothing
        else: whoever counts, counts from there. `expected`: the seconds that the platform wants between pings.
        """
