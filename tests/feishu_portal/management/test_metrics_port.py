import pytest
from django.core.management.base import CommandError, CommandParser

from feishu_portal.management.metrics_port import add_metrics_port


@pytest.fixture
def parser() -> CommandParser:
    made = CommandParser(called_from_command_line=False)
    add_metrics_port(made)
    return made


def test_port_is_the_settings_unless_one_is_given(parser):
    assert parser.parse_args([]).metrics_port is None
    assert parser.parse_args(["--metrics-port", "9102"]).metrics_port == 9102
    assert parser.parse_args(["--metrics-port", "0"]).metrics_port == 0


@pytest.mark.parametrize("text", ["-1", "70000", "http", "", "９１０２"])
def test_what_is_no_port_is_refused(parser, text):
    with pytest.raises(CommandError, match="port"):
        parser.parse_args([f"--metrics-port={text}"])
