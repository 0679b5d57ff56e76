"""Whether this process was asked to end: what may last for minutes, such as a stream, looks here and ends by itself, so that a
process is not kept by a caller who waits."""


class Stopping:
    """Read from any thread or loop; a flag, which a signal handler may set."""

    def __init__(self) -> None:
        self.is_asked = False

    def ask(self) -> None:
        self.is_asked = True


stopping = Stopping()
