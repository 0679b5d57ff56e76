"""Problems as apps bring them."""

from typing import Any

from core.console.overview import Problem, Repair, Severity


def make_problem(
    key: str = "connection:1",
    severity: Severity = Severity.FAILING,
    sentence: str = "Something is wrong",
    **values: Any,
) -> Problem:
    defaults = {
        "cause": "not_connected",
        "subject": "Helper",
        "link": "/page/",
        "repair": Repair("Open", "/page/"),
    }
    return Problem(key=key, severity=severity, sentence=sentence, **(defaults | values))
