"""Loopback ports for processes under test."""

import random
import socket
from typing import Final

BELOW_THE_EPHEMERAL: Final = range(12_000, 32_000)
"""What Linux gives to outgoing connections begins at 32,768: one of the many that tests open could hold a port in which a
process is about to listen."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 on which nothing listened a moment ago. By chance, since several test runs may ask at once."""
    for _ in range(100):
        port = random.choice(BELOW_THE_EPHEMERAL)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"Of 100 ports in {BELOW_THE_EPHEMERAL} none was free.")
