"""The option of commands that keep running for the port of their metrics."""

from argparse import ArgumentTypeError

from django.core.management.base import CommandParser

from feishu_portal.management.speaking import said


def add_metrics_port(parser: CommandParser) -> None:
    parser.add_argument(
        "--metrics-port",
        type=_port,
        default=None,
        metavar="P",
        help=said(
            "/metrics、/healthz/live 与 /healthz/ready 的端口，0 表示不开放；默认取 FEISHU_METRICS_PORT。",
            "Port of /metrics, /healthz/live and /healthz/ready, 0 for none; FEISHU_METRICS_PORT by default.",
        ),
    )


def _port(value: str) -> int:
    if not value.isascii() or not value.isdigit() or int(value) > 65_535:
        raise ArgumentTypeError(f"{value} is no port: a whole number from 0 to 65535 is")
    return int(value)
