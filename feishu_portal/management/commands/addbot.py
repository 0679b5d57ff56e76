"""``manage.py addbot``: add or update a bot."""

import getpass
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from bots.enums import PlatformName, TokenEndpoint, Transport
from bots.service import NEXT, BotChanges, put_bot
from bots.webhook.rotation import LASTS, MAX_LASTS, promote
from core.access.actors import Actor
from core.checks import SETTINGS
from core.installation.watch import watch
from core.vault.keyring import SealedValueError


class Command(BaseCommand):
    help = (
        "Add a bot, or update the one with this App ID. The App Secret is read from --app-secret-file, from the "
        "environment variable FEISHU_APP_SECRET, or from standard input; never from the command line."
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="Name shown in the console.")
        parser.add_argument("--app-id", required=True, help="App ID, e.g. cli_a1b2c3d4e5f60718.")
        parser.add_argument("--platform", choices=PlatformName.values, default=None)
        parser.add_argument("--open-url", default=None, help="OpenAPI address of a custom platform.")
        parser.add_argument("--accounts-url", default=None, help="Accounts address of a custom platform.")
        parser.add_argument(
            "--browser-url",
            default=None,
            help="Accounts address of a custom platform as people's browsers reach it, where that is another one.",
        )
        parser.add_argument(
            "--token-endpoint",
            choices=TokenEndpoint.values,
            default=None,
            help="Version of the platform's token endpoint (default v3).",
        )
        parser.add_argument("--transport", choices=Transport.values, default=None, help="How events arrive.")
        parser.add_argument(
            "--callback-transport",
            choices=["same", *Transport.values],
            default=None,
            help="How callbacks arrive: the same way as events (default), or as the callback tab of the developer console says.",
        )
        parser.add_argument("--slots", type=int, default=None, help="Number of long connections (default 1).")
        parser.add_argument(
            "--scope", action="append", default=None, help="Scope to ask users for; can be repeated."
        )
        parser.add_argument("--app-secret-file", type=Path, default=None)
        parser.add_argument("--encrypt-key-file", type=Path, default=None)
        parser.add_argument("--verification-token-file", type=Path, default=None)
        parser.add_argument(
            "--next-encrypt-key-file",
            type=Path,
            default=None,
            help="File with the Encrypt Key that the platform is going to use; valid beside the current one for a while.",
        )
        parser.add_argument(
            "--next-verification-token-file",
            type=Path,
            default=None,
            help="The same for the Verification Token.",
        )
        parser.add_argument(
            "--rotation-days",
            type=int,
            choices=range(1, MAX_LASTS.days + 1),
            metavar="DAYS",
            default=None,
            help=f"How long both are valid, from now on (default {LASTS.days}, at most {MAX_LASTS.days}).",
        )
        rotation = parser.add_mutually_exclusive_group()
        rotation.add_argument(
            "--use-next-secrets",
            action="store_true",
            help="End the rotation: from now on the next secrets alone are valid.",
        )
        rotation.add_argument("--no-next-secrets", action="store_true", help="Forget the next secrets.")
        proxy = parser.add_mutually_exclusive_group()
        proxy.add_argument(
            "--proxy-url-file",
            type=Path,
            default=None,
            help="File with the bot's own proxy, http://user:password@host:port.",
        )
        proxy.add_argument("--no-proxy", action="store_true", help="Forget the bot's own proxy.")

    def handle(self, *args: Any, **options: Any) -> None:
        # A prepared database that is still empty becomes this installation's own before it holds a bot: after that it would be
        # taken for a restored backup.
        watch.current()
        given = {
            "name": options["name"],
            "platform": options["platform"],
            "open_url": options["open_url"],
            "accounts_url": options["accounts_url"],
            "browser_url": options["browser_url"],
            "token_endpoint": options["token_endpoint"],
            "transport": options["transport"],
            "callback_transport": ""
            if options["callback_transport"] == "same"
            else options["callback_transport"],
            "slot_count": options["slots"],
            "auth_scopes": options["scope"],
            "app_secret": self._app_secret(options["app_secret_file"]),
            "encrypt_key": _content(options["encrypt_key_file"]),
            "verification_token": _content(options["verification_token_file"]),
            "next_encrypt_key": _content(options["next_encrypt_key_file"]),
            "next_verification_token": _content(options["next_verification_token_file"]),
            "proxy_url": _content(options["proxy_url_file"]),
        }
        if options["rotation_days"]:
            given["rotation_ends_at"] = timezone.now() + timedelta(days=options["rotation_days"])
        if given["platform"] is None and given["open_url"]:
            given["platform"] = PlatformName.CUSTOM
        changes = BotChanges(
            {name: value for name, value in given.items() if value is not None},
            removed=frozenset(
                [
                    *(["proxy_url"] if options["no_proxy"] else []),
                    *(NEXT if options["no_next_secrets"] else []),
                ]
            ),
        )
        actor = Actor.command("addbot")
        try:
            with transaction.atomic():
                bot, new = put_bot(app_id=options["app_id"], changes=changes, actor=actor)
                if options["use_next_secrets"] and not promote(bot, actor=actor):
                    raise CommandError("The bot has no next secret.")
        except ValidationError as error:
            lines = [
                f"{field}: {message}" if field != "__all__" else message
                for field, messages in error.message_dict.items()
                for message in messages
            ]
            raise CommandError("\n".join(lines)) from error
        except SealedValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{'Added' if new else 'Updated'} {bot.name} ({bot.app_id}).")
        if bot.redirect_uri:
            self.stdout.write(f"Redirect URL to register in the developer console: {bot.redirect_uri}")

    def _app_secret(self, file: Path | None) -> str:
        if file:
            return _content(file) or ""
        if secret := os.environ.get("FEISHU_APP_SECRET", "").strip():
            return secret
        if sys.stdin.isatty():
            return getpass.getpass("App Secret (empty keeps the stored one): ").strip()
        return sys.stdin.readline().strip()


def _content(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text().strip()
    except OSError as error:
        raise CommandError(f"Cannot read {file}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"Cannot read {file}: it is no text.") from error
