"""Making a bot of an app that somebody has registered."""

import logging
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import Error, transaction

from bots.enums import PlatformName, RegistrationFailure, RegistrationState
from bots.identity import note_open_id
from bots.live_updates import bots_changed
from bots.models import Bot, Registration
from bots.models.registrations import RegistrationQuerySet
from bots.service import BotChanges, put_bot
from core.access.actors import Actor
from core.access.models import User
from core.database.connections import give_back
from core.vault.keyring import SealedValueError
from feishu.app_registration import RegisteredApp
from feishu.errors import FeishuError
from feishu.openapi import OpenAPI

logger = logging.getLogger(__name__)

ADD: Final = "bots.add_bot"
"""The permission to add bots."""


class _RefusedError(Exception):
    def __init__(self, failure: RegistrationFailure) -> None:
        super().__init__(failure)
        self.failure = failure


def complete(registration: Registration, app: RegisteredApp) -> None:
    """Store the app as a bot of the operator who began, or its new secret where it is a bot already; end the registration.

    Also where a new QR code has replaced this one meanwhile: the platform gives the secret once, and the app is there.
    """
    failure = RegistrationFailure.NOT_STORED
    try:
        with transaction.atomic():
            bot, is_new = _store(registration, app)
            _row(registration).end(RegistrationState.DONE, bot=bot)
    except _RefusedError as refusal:
        failure = refusal.failure
    except (ValidationError, SealedValueError, Error) as error:
        # Fields and kinds of errors, never values: one of them is the secret.
        fields = sorted(getattr(error, "error_dict", {}))
        logger.error(  # noqa: TRY400 -- a traceback may show the secret
            "registered_app_not_stored",
            extra={"app_id": app.app_id, "error": type(error).__name__, "fields": fields},
        )
    else:
        if is_new:
            _introduce(bot)
        return
    _row(registration).end(RegistrationState.FAILED, failure=failure, detail=app.app_id)


def _store(registration: Registration, app: RegisteredApp) -> tuple[Bot, bool]:
    operator = User.objects.filter(pk=registration.operator_id, is_active=True).first()
    if operator is None or not operator.may_manage:
        raise _RefusedError(RegistrationFailure.NOT_ALLOWED)
    if registration.extends is not None and registration.extends.app_id != app.app_id:
        raise _RefusedError(RegistrationFailure.OTHER_APP)
    known = Bot.objects.filter(app_id=app.app_id).first()
    if known is None and not operator.has_perm(ADD):
        raise _RefusedError(RegistrationFailure.NOT_ALLOWED)
    if known is not None and not Bot.objects.visible_to(operator).filter(pk=known.pk).exists():
        raise _RefusedError(RegistrationFailure.NOT_YOURS)
    values: dict[str, Any] = {"app_secret": app.app_secret}
    if known is None:
        # Nobody has registered a redirect URL for it: the QR code cannot ask for one.
        values |= {"name": app.app_id, "asks_by_device_code": True, **_platform(app)}
    elif known.platform != PlatformName.CUSTOM:
        values |= {"platform": PlatformName(app.brand).value}
    return put_bot(
        app_id=app.app_id, changes=BotChanges(values), actor=Actor.operator(operator), owner=operator
    )


def _platform(app: RegisteredApp) -> dict[str, str]:
    if not settings.REGISTRATION_ADDRESSES:
        return {"platform": PlatformName(app.brand).value}
    open_url, accounts_url = settings.REGISTRATION_ADDRESSES
    return {"platform": PlatformName.CUSTOM.value, "open_url": open_url, "accounts_url": accounts_url}


def _row(registration: Registration) -> RegistrationQuerySet:
    return Registration.objects.filter(pk=registration.pk)


def _introduce(bot: Bot) -> None:
    """Ask the platform what the app is called and by which open_id it is mentioned. Where it does not say, the bot goes by
    its App ID until an operator names it."""
    try:
        api = OpenAPI(bot.credentials)
        give_back(before_waiting=True)
        info = api.bot_info()
    except (FeishuError, SealedValueError):
        return
    note_open_id(bot, info.open_id)
    if name := " ".join(info.name.split())[:100]:
        Bot.objects.filter(pk=bot.pk, name=bot.app_id).update(name=name)
        bots_changed([bot.pk])
