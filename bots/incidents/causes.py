"""What kinds of problems there are, and the words for each: apps register their own."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.utils.functional import Promise

from feishu.codes import CodeInfo, explain


@dataclass(frozen=True, slots=True)
class Details:
    """What is known of a problem: the platform's code, or a reason of the cause's own, and what was said."""

    code: int | None = None
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """A kind of problem. ``name`` is stored, at most 20 characters; ``headline`` takes ``%(subject)s``.

    ``page``: the name of the console's page about the subject, which gets its id where it takes one. ``is_severe``: the
    subject does not work; otherwise it works less well than it should. ``fact``: what it is about, where another cause may say
    the same of the subject; the name if empty. ``kinds_by_code``: with another code it is another kind of problem.
    """

    name: str
    label: str | Promise
    headline: str | Promise
    explain: Callable[[Details], CodeInfo]
    page: str = "admin:bots_bot_change"
    is_severe: bool = True
    fact: str = ""
    kinds_by_code: bool = False

    def key_of(self, subject: object) -> str:
        """What the overview knows the problem of a subject by."""
        return f"{self.fact or self.name}:{subject}"

    def kind(self, details: Details) -> str:
        """The kind of problem; a silence holds for one."""
        return f"{self.name}/{details.code or details.reason}" if self.kinds_by_code else self.name


_causes: dict[str, Cause] = {}


def register_causes(causes: Iterable[Cause]) -> None:
    """Have incidents of these causes explained."""
    _causes.update({cause.name: cause for cause in causes})


def registered_causes() -> list[Cause]:
    """All of them, those of lower apps first."""
    return list(_causes.values())


def cause_named(name: str) -> Cause:
    """The cause of that name; for one whose app has left the portal, what can be said without it."""
    return _causes.get(name) or Cause(
        name=name,
        label=name,
        headline="%(subject)s",
        explain=lambda details: explain(details.code, details.reason),
    )
