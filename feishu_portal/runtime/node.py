"""What a process is called in the console."""

import os
import socket


def node_name() -> str:
    """Host and process, e.g. ``app-1:4711``."""
    return f"{socket.gethostname()}:{os.getpid()}"[:100]
