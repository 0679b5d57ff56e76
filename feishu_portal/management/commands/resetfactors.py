"""``manage.py resetfactors``: lets an operator in again who has lost every second factor, where no other administrator can."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.access.actors import Actor
from core.access.models import User
from core.access.second_factors.policy import has_factor, reset_factors
from core.checks import SETTINGS


class Command(BaseCommand):
    help = (
        "Take away an operator's second factors and recovery codes, and end their sessions. They sign in by password alone, and "
        "set new ones up."
    )
    requires_system_checks = (SETTINGS,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="Name of the operator.")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["username"]
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no operator named {name}.")
        if not has_factor(user):
            raise CommandError(f"{name} has no second factor.")
        reset_factors(user, actor=Actor.command("resetfactors"))
        self.stdout.write(f"The second factors of {name} are reset, and their sessions have ended.")
