"""The style sheets that every page of the console loads, in this order (``feishu_portal.console``)."""

import re
from collections import Counter

from tests.services.processes import PROJECT

SHEETS = ("console", "overview", "events", "figures")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
CONDITIONAL = re.compile(r"@[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
RULE = re.compile(r"([^{}]+)\{[^{}]*\}")


def test_class_has_one_rule_of_its_own():
    """A second one, perhaps in another sheet and for another thing, would change how the first one's looks."""
    rules: Counter[str] = Counter()
    for name in SHEETS:
        sheet = COMMENT.sub("", (PROJECT / f"static/portal/{name}.css").read_text("utf-8"))
        rules.update(selector.strip() for selector in RULE.findall(CONDITIONAL.sub("", sheet)))
    assert rules[".portal-said"] == 1
    assert [selector for selector, count in rules.items() if count > 1] == []
