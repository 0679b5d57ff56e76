"""``manage.py runfeishu``: the long connections."""

import asyncio
from typing import Any

from django.core.management.base import CommandParser

from bots.enums import ProcessKind
from core.checks import SETTINGS
from feishu.text import Text
from feishu_portal.management.announcements import ServiceCommand, announce
from feishu_portal.management.metrics_port import add_metrics_port
from feishu_portal.management.preconditions import require_bots, require_keys, say_if_passive
from feishu_portal.management.speaking import said
from feishu_portal.runtime.connections import hold_connections
from feishu_portal.runtime.event_loop import run
from feishu_portal.runtime.node import node_name
from feishu_portal.runtime.observing import begin_observing
from feishu_portal.runtime.process import begin_process, end_process, process_is_ready, process_is_stopping
from feishu_portal.runtime.signals import stop_on_signals


class Command(ServiceCommand):
    about = Text(
        "维持全部已启用机器人（或指定机器人）的长连接，并随控制台的更改调整。可在一台或多台主机上运行多个进程共同分担。",
        "Hold the long connections of all enabled bots, or of those named, and follow changes made in the console. Several processes, on one host or more, share them.",
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--node",
            default="",
            help=said(
                "该进程在控制台中的名称；默认为主机名与 pid。",
                "Name of this process in the console; host and pid by default.",
            ),
        )
        parser.add_argument(
            "--bot",
            action="append",
            default=[],
            metavar="APP_ID",
            help=said("仅维持此机器人的连接，可重复指定。", "Hold only this bot; can be repeated."),
        )
        parser.add_argument(
            "--max-connections",
            type=int,
            default=None,
            metavar="N",
            help=said(
                "最多维持的连接数；默认取 FEISHU_MAX_CONNECTIONS。",
                "Hold at most so many connections; FEISHU_MAX_CONNECTIONS by default.",
            ),
        )
        add_metrics_port(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        require_keys()
        say_if_passive(self.stderr)
        begin_observing("runfeishu")
        only = frozenset(require_bots(options["bot"]))
        begin_process(ProcessKind.RUNFEISHU, port=options["metrics_port"])
        try:
            run(self._hold(options["node"] or node_name(), only, options["max_connections"]))
        finally:
            end_process(ProcessKind.RUNFEISHU)

    async def _hold(self, node: str, only: frozenset[str], max_connections: int | None) -> None:
        stop = asyncio.Event()
        stop_on_signals(stop, on_stop=lambda: process_is_stopping(ProcessKind.RUNFEISHU))
        process_is_ready(ProcessKind.RUNFEISHU)
        listening = said(
            f"正在监听，进程名称为 {node}。按 Ctrl-C 停止。", f"Listening as {node}. Press Ctrl-C to stop."
        )
        announce(self.stdout, listening, event="listening", node=node)
        await hold_connections(node=node, stop=stop, only=only, max_connections=max_connections)
        announce(self.stdout, said("已停止。", "Stopped."), event="stopped", node=node)
