"""What a process says of itself: a sentence on the terminal to a person, a line of the log to a machine."""

import logging
from typing import Any

from django.conf import settings
from django.core.checks import run_checks
from django.core.management.base import OutputWrapper, SystemCheckError

from feishu_portal.logs import log_uncaught
from feishu_portal.management.speaking import PortalCommand

logger = logging.getLogger(__name__)


def announce(stream: OutputWrapper, sentence: str, *, event: str, **facts: str) -> None:
    """At once: standard output of a service is a pipe, which Python writes to when kilobytes have come together."""
    if settings.LOG_FORMAT == "json":
        logger.info(event, extra=facts)
    else:
        stream.write(sentence)
        stream.flush()


class ServiceCommand(PortalCommand):
    """A command that runs as long as the service does: to a machine it logs what Django's checks find."""

    def run_from_argv(self, argv: list[str]) -> None:
        log_uncaught()
        super().run_from_argv(argv)

    def check(self, **options: Any) -> None:  # type: ignore[override]  # its own arguments are passed on by name
        if settings.LOG_FORMAT != "json":
            super().check(**options)
            return
        found = run_checks(tags=options.get("tags"), databases=options.get("databases"))
        for message in found:
            if not message.is_silenced():
                facts = {"check": message.id, "problem": str(message.msg), "hint": str(message.hint or "")}
                logger.log(message.level, "system_check", extra=facts)
        if any(message.is_serious() and not message.is_silenced() for message in found):
            raise SystemCheckError("The portal is not set up as it should be: the log says what is wrong.")
