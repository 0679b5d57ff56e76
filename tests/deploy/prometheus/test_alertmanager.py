import re

import yaml

from tests.deploy.programs import complaints
from tests.services.processes import PROJECT

SAMPLE = PROJECT / "deploy" / "prometheus" / "alertmanager.yml"
RULES = PROJECT / "deploy" / "prometheus" / "rules" / "feishu-alerts.yml"


def test_sample_is_one_that_alertmanager_takes() -> None:
    assert complaints("amtool", "check-config", str(SAMPLE)) == ""


def test_alerts_that_the_portal_cannot_show_go_elsewhere_too() -> None:
    route, _rest = yaml.safe_load(SAMPLE.read_text())["route"]["routes"]
    [matcher] = route["matchers"]
    named = set(re.findall(r"Feishu\w+", matcher))
    assert route["continue"]
    assert named <= set(re.findall(r"alert: (\w+)", RULES.read_text()))
    # All that is down; and where the platform is away, a card is as well.
    assert {"FeishuDown", "FeishuBotDeaf", "FeishuPlatformCallsFail"} <= named
