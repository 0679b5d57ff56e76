"""What long commands show while they work."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def progress_bar(stream: Any, words: str, *, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on ``stream``: standard error, so that what a command says can be piped. Plain text where no person looks.

    The block advances it by so many with each call. ``total`` is None where nobody has counted so far.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=Console(file=stream)) as progress:
        task = progress.add_task(words, total=total)
        yield lambda count: progress.advance(task, count)
