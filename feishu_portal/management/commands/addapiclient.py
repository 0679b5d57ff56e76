"""``manage.py addapiclient``: a key for an internal system."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError
from django.utils import timezone

from bots.models import Bot
from core.access.actors import Actor
from core.access.api_keys import add_api_client
from core.access.path_rules import opens_nothing, parse_rule
from core.access.scopes import Scope
from core.checks import SETTINGS
from feishu_portal.management.preconditions import require_bots

MAX_DAYS = 366


class Command(BaseCommand):
    help = "Add an API client and print its key. The key is shown this once and cannot be read again."
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="Name of the system that will call, unique.")
        parser.add_argument(
            "--scope",
            action="append",
            default=[],
            choices=Scope.values,
            help="What it may do; can be repeated.",
        )
        parser.add_argument(
            "--bot",
            action="append",
            default=[],
            metavar="APP_ID",
            help="Bot it may act for; can be repeated; all if none.",
        )
        parser.add_argument(
            "--proxy-path",
            action="append",
            default=[],
            metavar="RULE",
            help="Rule for what it calls by the proxy: [allow|ask|deny] METHOD PATH [RESOURCE], e.g. "
            '"GET /open-apis/calendar/v4/**" or "ask POST /open-apis/im/v1/messages"; can be repeated, the first that fits decides, '
            "what none fits is refused; every call if there is none.",
        )
        parser.add_argument(
            "--expires-days", type=int, default=MAX_DAYS - 1, help="Life of the key (default %(default)s)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["scope"]:
            raise CommandError(f"Say what it may do with --scope: {', '.join(Scope.values)}")
        if not 1 <= options["expires_days"] <= MAX_DAYS:
            raise CommandError(f"--expires-days takes 1 to {MAX_DAYS}.")
        bots = Bot.objects.filter(pk__in=require_bots(options["bot"]).values())
        for rule in options["proxy_path"]:
            try:
                parse_rule(rule)
            except ValueError as error:
                raise CommandError(
                    f'"{rule}" is no rule like "GET /open-apis/calendar/v4/**" or "ask POST /open-apis/im/v1/messages".'
                ) from error
        if opens_nothing(options["proxy_path"]):
            raise CommandError("These rules refuse every call: allow something, too.")
        try:
            client, key = add_api_client(
                name=options["name"],
                scopes=[Scope(scope) for scope in options["scope"]],
                bots=list(bots),
                proxy_paths=options["proxy_path"],
                expires_at=timezone.now() + timedelta(days=options["expires_days"]),
                actor=Actor.command("addapiclient"),
            )
        except IntegrityError as error:
            raise CommandError(f"There is already an API client named {options['name']}.") from error
        self.stderr.write(f"Key of {client.name}, shown this once:")
        self.stdout.write(key)
