"""Every index costs each write: here stands the statement that needs it."""

import uuid

from django.utils import timezone

from feishu_portal.alerts.models import AlertGroup, AlertReceiver
from tests.indexes import Statement, astray, declared

ID = uuid.uuid4()

STATEMENTS: dict[str, Statement] = {
    # What an operator sees, and removing a bot.
    "alertreceiver.bot": lambda: AlertReceiver.objects.filter(bot__in=[ID]),
    # The list in the console: a bot's, and a receiver's.
    "alert_group_of_bot": lambda: AlertGroup.objects.filter(bot=ID).order_by("-pk")[:100],
    "alert_group_of_receiver": lambda: AlertGroup.objects.filter(receiver=ID).order_by("-pk")[:100],
    "alert_group_by_age": lambda: AlertGroup.objects.filter(heard_at__lt=timezone.now()).order_by("heard_at"),
    # The sweep.
    "alert_group_card_old": lambda: AlertGroup.objects.card_out_of_date().order_by("card_retry_at")[:1],
    # Whether the group that is reported has a card.
    "alert_group_firing_once": lambda: AlertGroup.objects.filter(receiver=ID, key_hash="h", closed_at=None),
}


def test_every_index_has_a_statement_that_needs_it():
    assert declared("alerts").keys() == STATEMENTS.keys()
    assert astray("alerts", STATEMENTS) == []
