"""Log lines as the portal writes them: with what is bound to the work, after the redaction."""

import re

from tests.services.leaks import LOG, Watch

_FACT = re.compile(r"(\w+)=('[^']*'|\S+)")


def lines(watch: Watch, event: str) -> list[dict[str, str]]:
    """The facts of each line of ``event``, the newest last, as text."""
    wanted = re.compile(rf"\] {re.escape(event)}\s+\[")
    found = [said.text for said in watch.said if said.place == LOG and wanted.search(said.text)]
    facts = [dict(_FACT.findall(text.splitlines()[0].split("] ", 2)[-1])) for text in found]
    # pytest leaves the message behind on the record.
    return [{name: value.strip("'") for name, value in line.items() if name != "message"} for line in facts]
