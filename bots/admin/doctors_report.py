"""What the doctor found, as messages above the bot's page."""

from collections.abc import Iterator
from typing import Final

from django.contrib import messages
from django.utils.translation import gettext

from bots.doctor import CheckResult, Finding
from core.console.sentences import in_language

_LEVELS: Final = {
    CheckResult.WRONG: messages.ERROR,
    CheckResult.WARNING: messages.WARNING,
    CheckResult.UNKNOWN: messages.INFO,
}


def report(findings: list[Finding]) -> Iterator[tuple[int, str]]:
    """Levels and texts: what is in order in one message, and one for each thing that is not."""
    well = [in_language(finding.title) for finding in findings if finding.result is CheckResult.OK]
    if well:
        yield messages.SUCCESS, gettext("In order: %(checks)s.") % {"checks": " · ".join(well)}
    for finding in findings:
        if finding.result is not CheckResult.OK:
            yield _LEVELS[finding.result], sentence(finding)


def sentence(finding: Finding) -> str:
    """One finding on one line."""
    title, cause, cure = (in_language(text) for text in (finding.title, finding.cause, finding.cure))
    facts = [str(fact) for fact in (finding.code, finding.log_id) if fact]
    said = f"{cause} ({', '.join(facts)})" if facts else cause
    return gettext("%(title)s: %(cause)s. %(cure)s.") % {"title": title, "cause": said, "cure": cure}
