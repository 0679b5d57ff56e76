"""Having the cards that told people of incidents follow what becomes of these."""

from collections.abc import Collection
from functools import partial

from django.db import transaction
from django.db.models import F

from bots.models import Incident, NoticeCard
from core.background.notify import notify


@transaction.atomic
def cards_follow(incidents: Collection[Incident]) -> None:
    """These incidents have changed in a way that cards show: on commit workers are notified of theirs. The sweep finds what a
    lost notification was about."""
    cards = NoticeCard.objects.filter(notices__incident__in=incidents).distinct()
    keys = list(cards.order_by("pk").values_list("pk", flat=True))
    if not keys:
        return
    NoticeCard.objects.filter(pk__in=keys).update(
        version=F("version") + 1, card_retry_at=None, card_given_up=False, card_attempts=0
    )
    for key in keys:
        transaction.on_commit(partial(notify, "bots.sync_notice_card", key), robust=True)
