"""Celery tasks: a few lines each, primitives only. The ``refresh_*`` tasks have a queue of their own."""

from uuid import UUID

from celery import shared_task

from auth_sessions.campaigns.asking import CAMPAIGNS
from auth_sessions.domain import card_sync, device
from auth_sessions.domain.refresh.loop import run_passes
from auth_sessions.domain.reminders import remind_of_ends
from auth_sessions.domain.revocation.notice import send_notice
from auth_sessions.domain.revocation.service import unfinished_revocations, withdraw_at_platform
from auth_sessions.domain.sessions import end_overdue_sessions
from auth_sessions.enums import Notice, RevocationState
from auth_sessions.models import AuthSession, Campaign, Revocation, UserToken
from auth_sessions.retention import overdue
from bots.mailings import walk
from core.background.notify import notify
from core.database import retention
from core.database.compiled import AnyRows

_LEFT = AnyRows(
    open=lambda: AuthSession.objects.open().order_by("expires_at"),
    cards=lambda: AuthSession.objects.card_untrue().order_by("card_retry_at"),
    reminders=lambda: UserToken.objects.filter(next_reminder_at__isnull=False).order_by("next_reminder_at"),
    revocations=lambda: Revocation.objects.filter(state=RevocationState.PENDING).order_by("next_attempt_at"),
    notices=lambda: Revocation.objects.filter(notice=Notice.DUE).order_by("notice_at"),
    campaigns=lambda: Campaign.objects.moving().order_by("created_at"),
)
"""Without any of these the sweep has nothing to look for."""


@shared_task(name="auth_sessions.sync_card")
def sync_card(session_id: str) -> None:
    card_sync.sync_card(UUID(session_id))


@shared_task(name="auth_sessions.sweep")
def sweep() -> None:
    left = _LEFT.found()
    if "open" in left:
        end_overdue_sessions()
        for session_id in device.codes_to_poll():
            notify("auth_sessions.poll_device", str(session_id))
    if "reminders" in left:
        remind_of_ends()
    if left & {"open", "cards"}:
        for session_id in card_sync.cards_to_sync():
            notify("auth_sessions.sync_card", str(session_id))
    if left & {"revocations", "notices"}:
        for revocation_id in unfinished_revocations():
            notify("auth_sessions.finish_revocation", str(revocation_id))
    if "campaigns" in left:
        for campaign_id in walk.due(CAMPAIGNS):
            notify("auth_sessions.advance_campaign", str(campaign_id))


@shared_task(name="auth_sessions.advance_campaign")
def advance_campaign(campaign_id: str) -> None:
    walk.advance(CAMPAIGNS, UUID(campaign_id))


@shared_task(name="auth_sessions.poll_device")
def poll_device(session_id: str) -> None:
    device.poll_device(UUID(session_id))


@shared_task(name="auth_sessions.finish_revocation")
def finish_revocation(revocation_id: str) -> None:
    withdraw_at_platform(UUID(revocation_id))
    send_notice(UUID(revocation_id))


@shared_task(name="auth_sessions.refresh_due")
def refresh_due() -> bool:
    return run_passes()


@shared_task(name="auth_sessions.prune")
def prune() -> None:
    retention.prune(overdue())
