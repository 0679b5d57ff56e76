"""Pages that follow what happens.

Whoever changes rows says so with ``changed(topic, keys)``. A page has a ``Feed`` that reads them for its operator, and
is told through a socket (``sockets``), or asks for it where it cannot have one (``polling``).
"""

from core.console.live.changes import ANYTHING, Changes, changed

__all__ = ["ANYTHING", "Changes", "changed"]
