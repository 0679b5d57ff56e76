"""What can go wrong with bots."""


class BotsError(Exception):
    """Base of this app's errors; the message is for people."""


class BotNotFound(BotsError):
    """There is no such bot, or it is disabled."""

    def __init__(self, app_id: str) -> None:
        super().__init__(f"No enabled bot with App ID {app_id}.")
        self.app_id = app_id


class BotDisabledError(BotsError):
    """The bot is switched off; ``code`` is stable for machines."""

    code = "bot_disabled"

    def __init__(self) -> None:
        super().__init__("The bot is disabled.")


class LookupBusyError(BotsError):
    """Too many are asking the platform for people or groups at once."""


class TooManyExceptionsError(BotsError):
    """A bot has as many exceptions for groups as it may."""


class TooManyRegistrations(BotsError):
    """An operator asks for QR codes faster than anybody scans them, or too many wait in the whole portal."""


class WebhookUnprotected(BotsError):
    """A bot has neither an Encrypt Key nor a Verification Token: every request to its webhook would be refused."""


class MailingStateError(BotsError):
    """The mailing is not at the point at which this can be done: it goes on, or was cancelled."""


class NoticeNotSent(BotsError):
    """A notice did not reach its person. ``kind`` is stable (``bots.incidents.failures``), ``answer`` what the other side said."""

    def __init__(self, kind: str, answer: str = "") -> None:
        super().__init__(f"{kind}: {answer}" if answer else kind)


class SendingError(BotsError):
    """A message was not sent, and the platform was not asked; ``code`` is stable for machines, the message for people."""

    code = "not_sent"


class ContentError(SendingError):
    """The content does not fit what the platform takes."""

    code = "invalid_content"


class TemplateError(ContentError):
    """A card template, or what is put into it, is not as it has to be. ``sentence`` is a message of the translation catalogue
    with places for ``params``; the error itself reads in English, as callers of the API get it."""

    def __init__(self, sentence: str, **params: object) -> None:
        super().__init__(sentence % params)
        self.sentence, self.params = sentence, params


class KeyReusedError(SendingError):
    """The idempotency key belongs to another request."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request in the past 24 hours.")


class SendingUnderWayError(SendingError):
    """The same request is being sent right now, or the process that sent it has just died."""

    code = "request_in_progress"

    def __init__(self, seconds: int) -> None:
        super().__init__("The request with this Idempotency-Key is under way.")
        self.seconds = seconds
        """When to ask again."""


class TooManyBatchesError(SendingError):
    """The client has as many batches under way as it may."""

    code = "too_many_batches"

    def __init__(self) -> None:
        super().__init__("This API client has as many batches under way as it may. Wait until one is done.")


class OutcomeUnknownError(SendingError):
    """It may have been sent, too long ago for the platform to notice a repetition."""

    code = "outcome_unknown"

    def __init__(self) -> None:
        super().__init__(
            "Nobody knows whether this request sent anything, and the platform would take a repetition for a new message. "
            "Look into the chat, and send with a new Idempotency-Key if nothing came."
        )
