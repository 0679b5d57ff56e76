"""Live pages: they show what changes while they are open.

Code that changes rows calls ``changed(topic, keys)``, which notifies the sockets of open pages (``hub``, and ``outbox`` for
other processes). A page has a ``Feed`` that reads the rows for its operator, and is sent through a socket (``sockets``), or
asked for every few seconds where the browser cannot have one (``polling``).
"""

from core.console.live.changes import ANYTHING, Changes
from core.console.live.publish import changed

__all__ = ["ANYTHING", "Changes", "changed"]
