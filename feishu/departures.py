"""Whether requests may leave this process. A portal that works with a copy of its database sends nothing to anybody."""

from collections.abc import Callable
from dataclasses import dataclass, field


class DeparturesClosedError(OSError):
    """Nothing may be sent now, and nothing was."""


@dataclass(slots=True)
class Departures:
    """The rule of this process. It is asked for every request, on event loops too, so it waits for nothing."""

    is_closed: Callable[[], bool] = field(default=lambda: False)

    def check(self) -> None:
        """Raises DeparturesClosedError."""
        if self.is_closed():
            raise DeparturesClosedError("the portal is passive and sends nothing")


departures = Departures()
