"""Garbage collection, tuned for starting processes and for an event loop with hundreds of connections.

Tuning it is fenced in here: it is global to the process, and wrong as soon as what a message is made of changes. A full
collection looks at every container there is, close to a microsecond each on a busy machine, and all threads stand still
meanwhile: a tenth of a second for the modules alone, sixty milliseconds for 300 connections. See
docs/adr/0017-garbage-collection.md.
"""

import gc
from typing import Final

YOUNG: Final = 12_000
"""Containers that came and stayed before the young ones are looked at (Python's own: 700).

A message under way is about ten of them. With a thousand under way at 700, each one is looked at again and again, a
fifth of all work, before it is gone by itself; at 5,000 that is a twelfth, at 12,000 half as much. At 20,000 nearly none
is left, but what 300 connections leave that break together holds up the loop for 45 ms, and here for 27.
"""
MIDDLE: Final = 1
"""Collections of the young before one of the middle generation (10): it looks at 24,000 containers at most."""
RARELY: Final = 60
"""Middle collections between full ones (10), which is 1.5 million containers that came and stayed.

Not never: a lost connection leaves about a hundred containers that only a full collection finds, because they refer to
each other in a circle. By then that is some tens of megabytes.
"""


def rest_while_loading() -> None:
    """Before modules are loaded: nearly all that they make stays, and each collection would look at all of it again."""
    gc.disable()


def begin_after_loading() -> None:
    """After that: collect as usual, but never what is loaded by now, not even when the process ends."""
    gc.freeze()
    gc.enable()


def spare_event_loop() -> None:
    """Leave all that is loaded by now out of collections, and make full ones rare."""
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, RARELY)


def share_with_children() -> None:
    """Before a fork: leave all that is loaded out of the collections of the child. Looking at an object writes to it, and the
    memory that parent and child share until one of them writes would be copied, some 30 MB for each child."""
    gc.collect()
    gc.freeze()
