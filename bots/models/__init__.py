"""The app's models, one subject a file."""

from bots.models.batches import BatchRecipient, MessageBatch
from bots.models.bots import MAX_SLOTS, Bot, BotQuerySet, default_scopes, own_bot_ids
from bots.models.card_templates import CardTemplate
from bots.models.checkups import Checkup, StoredFinding
from bots.models.connections import ConnectionLoss, ConnectionSlot, PlatformCount
from bots.models.groups import GroupException
from bots.models.incidents import Incident, Notice, NoticeCard, ProblemSilence
from bots.models.people import PeopleLookup, Person, PersonKey, PersonPicture
from bots.models.processes import FleetProcess
from bots.models.registrations import Registration
from bots.models.sendings import Sending
from bots.models.streams import ReplyStream
from bots.models.webhooks import RefusedPush, SecretUse

__all__ = [
    "MAX_SLOTS",
    "BatchRecipient",
    "Bot",
    "BotQuerySet",
    "CardTemplate",
    "Checkup",
    "ConnectionLoss",
    "ConnectionSlot",
    "FleetProcess",
    "GroupException",
    "Incident",
    "MessageBatch",
    "Notice",
    "NoticeCard",
    "PeopleLookup",
    "Person",
    "PersonKey",
    "PersonPicture",
    "PlatformCount",
    "ProblemSilence",
    "RefusedPush",
    "Registration",
    "ReplyStream",
    "SecretUse",
    "Sending",
    "StoredFinding",
    "default_scopes",
    "own_bot_ids",
]
