import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from auth_sessions.enums import RefreshPhase, TokenStatus
from auth_sessions.models import UserToken
from bots.models import Bot, ConnectionSlot
from core.access.models import ApiClient, AuditEntry, DatabaseAnchor, Installation, OperatorSession
from core.installation import state
from core.installation.state import ACTIVE
from core.installation.watch import watch
from events.enums import RunStatus, SubscriptionState
from events.handling import registry
from events.models import HandlerRun
from feishu_portal.management.speaking import speaking
from tests.events.handler_runs import dispatched, stored_event
from tests.factories import connect_slots, make_bot, make_client, make_grant, make_operator, make_subscription

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def copy(settings, tmp_path):
    """The database of this process was restored elsewhere."""
    settings.DATA_DIR = tmp_path
    DatabaseAnchor.objects.get_or_create(pk=1)
    state.adopt()
    Installation.objects.update(place="1:2:3")
    watch.unpin()
    yield
    watch.pin(ACTIVE)


@pytest.fixture
def waiting(monkeypatch) -> HandlerRun:
    monkeypatch.setattr(registry, "_registry", registry.HandlerRegistry())
    registry.on("im.message.receive_v1", name="greet", ordered_by=None)(lambda event, bot: None)
    [run] = dispatched(stored_event())
    return run


def adoptrestore(*arguments: str) -> str:
    out = io.StringIO()
    call_command("adoptrestore", *arguments, stdout=out)
    return out.getvalue()


def answer(monkeypatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_person_confirms_with_a_word(monkeypatch):
    make_grant(make_bot())
    assert watch.is_passive()
    answer(monkeypatch, "adopt\n")
    out = adoptrestore()
    assert "1 grants that a refresh token keeps alive" in out
    assert "1 grants to be probed" in out
    assert not watch.is_passive()
    [entry] = AuditEntry.objects.filter(action="installation.adopted")
    assert (entry.actor, entry.detail["grants_to_be_probed"]) == ("command:adoptrestore", 1)


@pytest.mark.parametrize("text", ["", "\n", "yes\n", "y\n", "adopted\n"])
def test_anything_else_changes_nothing(monkeypatch, text):
    grant = make_grant(make_bot())
    answer(monkeypatch, text)
    with pytest.raises(CommandError, match="Nothing was changed"):
        adoptrestore()
    grant.refresh_from_db()
    assert grant.phase == RefreshPhase.IDLE
    assert watch.is_passive()
    assert not AuditEntry.objects.filter(action="installation.adopted").exists()


def test_dry_run_says_what_there_is_and_changes_nothing():
    make_grant(make_bot())
    assert "1 grants" in adoptrestore("--dry-run")
    assert watch.is_passive()


def test_active_database_is_not_adopted_again():
    bot = make_bot()
    adoptrestore("--yes")
    grant = make_grant(bot)
    assert "nothing to adopt" in adoptrestore("--yes")
    grant.refresh_from_db()
    assert grant.phase == RefreshPhase.IDLE


def test_recovery_that_the_portal_cannot_notice_is_adopted_by_force():
    bot = make_bot()
    adoptrestore("--yes")
    grant = make_grant(bot)
    assert "--force" in adoptrestore("--yes")
    assert "1 grants to be probed" in adoptrestore("--yes", "--force")
    grant.refresh_from_db()
    assert grant.phase == RefreshPhase.UNCERTAIN


def test_setting_has_the_last_word(settings):
    settings.PASSIVE = True
    with pytest.raises(CommandError, match="FEISHU_PASSIVE"):
        adoptrestore("--yes")


def test_everybody_signs_in_again_and_no_connection_is_anybodys():
    bot = make_bot(slot_count=2)
    connect_slots(ConnectionSlot.objects.filter(bot=bot))
    client = Client()
    client.force_login(make_operator(superuser=True))
    adoptrestore("--yes")
    assert not ConnectionSlot.objects.filter(holder__isnull=False).exists()
    assert not OperatorSession.objects.exists()


def test_work_that_waited_is_set_aside_or_kept(waiting):
    adoptrestore("--yes", "--keep-work")
    waiting.refresh_from_db()
    assert waiting.status == RunStatus.PENDING
    Installation.objects.update(place="1:2:3")
    adoptrestore("--yes")
    waiting.refresh_from_db()
    assert waiting.status == RunStatus.DEAD


def test_database_that_was_only_moved_keeps_everything(waiting):
    grant = make_grant(make_bot(), next_reminder_at=timezone.now())
    adoptrestore("--yes", "--moved")
    grant.refresh_from_db()
    waiting.refresh_from_db()
    assert (grant.phase, waiting.status) == (RefreshPhase.IDLE, RunStatus.PENDING)
    assert grant.next_reminder_at <= timezone.now()
    assert not watch.is_passive()


def test_copy_beside_its_original_holds_nothing_that_it_could_spend():
    bot = make_bot()
    make_grant(bot)
    make_client("shop")
    subscription = make_subscription(bot)
    adoptrestore("--yes", "--as-copy")
    [grant] = UserToken.objects.all()
    assert (grant.status, grant.access_token, grant.refresh_token) == (TokenStatus.REVOKED, "", "")
    assert not Bot.objects.enabled().exists()
    assert not ApiClient.objects.usable().exists()
    subscription.refresh_from_db()
    assert subscription.state == SubscriptionState.PAUSED
    assert not watch.is_passive()


def test_adoption_that_breaks_off_leaves_the_portal_passive_and_can_be_repeated(monkeypatch):
    make_grant(make_bot())

    def break_off():
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(state, "adopt", break_off)
        with pytest.raises(RuntimeError):
            adoptrestore("--yes")
    assert watch.is_passive()
    assert "1 grants to be probed" in adoptrestore("--yes")


def test_command_that_would_send_says_why_it_does_not():
    bot = make_bot()
    for language, words in (("en", "passive"), ("zh-hans", "被动模式")):
        with speaking(language), pytest.raises(CommandError, match=words):
            call_command("checkbot", bot.app_id)
