"""What can go wrong with bots."""


class BotsError(Exception):
    """Base of this app's errors; the message is for people."""


class BotNotFound(BotsError):
    """There is no such bot, or it is disabled."""

    def __init__(self, app_id: str) -> None:
        super().__init__(f"No enabled bot with App ID {app_id}.")
        self.app_id = app_id


class WebhookUnprotected(BotsError):
    """A bot has neither an Encrypt Key nor a Verification Token: every request to its webhook would be refused."""


class NotTold(BotsError):
    """A notice did not reach its person."""
