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
from auth_sessions.retention import overdue
from bots.mailings import walk
from core.background.notify import notify
from core.database import retention


@shared_task(name="auth_sessions.sync_card")
def sync_card(session_id: str) -> None:
    card_sync.sync_card(UUID(session_id))


@shared_task(name="auth_sessions.sweep")
def sweep() -> None:
    end_overdue_sessions()
    remind_of_ends()
    for session_id in card_sync.cards_to_sync():
        notify("auth_sessions.sync_card", str(session_id))
    for session_id in device.codes_to_poll():
        notify("auth_sessions.poll_device", str(session_id))
    for revocation_id in unfinished_revocations():
        notify("auth_sessions.finish_revocation", str(revocation_id))
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
def refresh_due() -> None:
    run_passes()


@shared_task(name="auth_sessions.prune")
def prune() -> None:
    retention.prune(overdue())
