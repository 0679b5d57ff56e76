"""Collections of garbage that do not hold up an event loop with hundreds of connections.

A full collection looks at every container there is, close to a microsecond each on a busy machine, and all threads
stand still meanwhile: a tenth of a second for the modules alone, sixty milliseconds for 300 connections.
"""

import gc
from typing import Final

RARELY: Final = 200
"""Middle collections between full ones (Python's own: 10), which is 1.4 million containers that came and stayed.

Not never: a lost connection leaves about a hundred containers that only a full collection finds, because they refer to
each other in a circle. By then that is some tens of megabytes.
"""


def spare_the_loop() -> None:
    """Leave out of all collections what is loaded by now, and look through the rest rarely."""
    gc.freeze()
    youngest, middle, _ = gc.get_threshold()
    gc.set_threshold(youngest, middle, RARELY)
