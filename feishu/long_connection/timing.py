"""Every duration of a long connection in one place, all in seconds; tests pass shorter ones."""

from dataclasses import dataclass

from feishu.long_connection.backoff import FIRST, LONGEST


@dataclass(frozen=True, slots=True)
class Timing:
    credentials: float = 10.0
    """To look up App ID and App Secret."""
    discovery: float = 10.0
    """To learn the gateway's address."""
    dial: float = 10.0
    """To connect and shake hands."""
    write: float = 10.0
    """For the peer to take what we write."""
    close: float = 5.0
    """For the closing handshake."""
    end: float = 9.0
    """For all that a connection does when it is asked to end. Its holder gives it up after ten."""
    drain: float = 3.0
    """For messages under way when the connection is asked to end, and for those that come meanwhile: as long as the platform
    waits."""
    sink: float = 60.0
    """For one message; far longer than the platform waits, because a late commit still spares a duplicate."""
    settled: float = 10.0
    """A connection that lasted so long was good: the next drop is answered quickly again."""
    keepalive: float = 20.0
    """Between WebSocket pings, and for their pongs; as with the official Python SDK."""
    first_delay: float = FIRST
    longest_delay: float = LONGEST
    second: float = 1.0
    """How long a second of the platform's ClientConfig lasts."""
