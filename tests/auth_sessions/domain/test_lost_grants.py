"""Many grants that the platform refuses within an hour are one incident; a few, and those that somebody ended, are none."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from auth_sessions.domain import lost_grants
from auth_sessions.domain.refresh.refresher import Pass
from auth_sessions.domain.revocation.service import record_platform_revocation
from auth_sessions.enums import PlatformReason, RefreshOutcome, RefreshPhase, TokenStatus
from auth_sessions.models import RefreshAttempt, UserToken
from bots.incidents.detection import RECOVERY, detect
from bots.incidents.notices import due_people, send_due
from bots.models import Bot, Incident
from bots.service import set_enabled
from core.access.actors import SYSTEM
from core.access.models import User
from tests.auth_sessions.conftest import oauth_error
from tests.factories import make_bot, make_grant, make_operator

pytestmark = pytest.mark.django_db
SPENT, LEFT_RANGE = 20073, 20010


def grants(bot: Bot, count: int) -> None:
    for _ in range(count):
        make_grant(bot, open_id=f"ou_{uuid4().hex}")


def lose(bot: Bot, count: int, *, code: int = SPENT, minutes: float = 1) -> list[UserToken]:
    """So many more grants of the bot, which the platform has refused."""
    lost = []
    for _ in range(count):
        grant = make_grant(
            bot,
            open_id=f"ou_{uuid4().hex}",
            status=TokenStatus.NEEDS_REAUTH,
            phase=RefreshPhase.STOPPED,
            next_refresh_at=None,
        )
        RefreshAttempt.objects.create(
            token=grant,
            generation=grant.generation,
            outcome=RefreshOutcome.DEAD_USER,
            code=code,
            finished_at=timezone.now() - timedelta(minutes=minutes),
        )
        lost.append(grant)
    return lost


def open_incidents() -> dict[str, str]:
    """The open ones: subject and what is said of the count."""
    detect()
    return {
        row.affected_name: row.message
        for row in Incident.objects.open().filter(cause__in=("grants_lost", "grants_lost_widely"))
    }


def pass_time(*, minutes: float) -> None:
    for attempt in RefreshAttempt.objects.all():
        attempt.finished_at -= timedelta(minutes=minutes)
        attempt.save()


@pytest.fixture
def superuser(settings) -> User:
    settings.EMAIL_IS_SET_UP = True
    user = make_operator("root", superuser=True)
    user.email, user.language = "root@example.com", "en"
    user.save()
    return user


@pytest.fixture
def bot() -> Bot:
    return make_bot(name="Helper")


def test_refusals_of_the_platform_are_an_incident_with_count_reason_and_what_to_do(bot, platform):
    platform.token.mock(return_value=oauth_error(SPENT))
    for number in range(5):
        make_grant(
            bot, open_id=f"ou_{number}", refresh_token=f"refresh-{number}", next_refresh_at=timezone.now()
        )
    Pass().run()
    assert open_incidents() == {"Helper": "5"}
    incident = Incident.objects.get()
    assert (incident.bot, incident.code) == (bot, SPENT)
    cause, cure = incident.explanation.cause, incident.explanation.cure
    assert cause.en_us == (
        "Within an hour the platform refused to refresh 5 authorizations. "
        "Main reason: The refresh token is invalid, expired, revoked or already used"
    )
    assert cause.zh_cn.startswith("平台在一小时内拒绝刷新 5 个授权，主要原因：refresh_token 无效")
    for text in (cure.en_us, cure.zh_cn):
        assert "adoptrestore" in text
        assert "App Secret" in text
        assert "user_access_token" in text
    with translation.override("zh-hans"):
        assert incident.headline == "Helper 的授权大量失效"


def test_few_are_none_however_small_the_bot(bot):
    lose(bot, 4)
    assert open_incidents() == {}


@pytest.mark.parametrize(("others", "is_incident"), [(54, True), (55, False)])
def test_share_of_the_bots_grants_counts(bot, settings, others, is_incident):
    settings.LOST_GRANTS_PERCENT = 10
    grants(bot, others)
    lose(bot, 6)
    assert bool(open_incidents()) is is_incident


def test_so_many_are_one_whatever_their_share(bot, monkeypatch):
    monkeypatch.setattr(lost_grants, "MANY", 6)
    grants(bot, 60)
    lose(bot, 6)
    assert open_incidents() == {"Helper": "6"}


def test_main_reason_is_the_most_frequent_and_brings_its_own_cure(bot):
    lose(bot, 2)
    lose(bot, 4, code=LEFT_RANGE)
    assert open_incidents() == {"Helper": "6"}
    incident = Incident.objects.get()
    assert incident.code == LEFT_RANGE
    assert "adoptrestore" not in incident.explanation.cure.en_us


def test_grants_that_somebody_ended_do_not_count(bot):
    revoked, renewed, year_over, *rest = lose(bot, 7)
    record_platform_revocation(
        bot=bot,
        open_id=revoked.open_id,
        tenant_key="tenant",
        kinds=frozenset(),
        reason=PlatformReason.USER,
        at=timezone.now(),
    )
    UserToken.objects.filter(pk=renewed.pk).update(
        generation=2, status=TokenStatus.ACTIVE, phase=RefreshPhase.IDLE
    )
    UserToken.objects.filter(pk=year_over.pk).update(reauthorize_by=timezone.now() - timedelta(hours=2))
    assert len(rest) == 4
    assert open_incidents() == {}


def test_bot_that_is_off_has_none(bot):
    lose(bot, 9)
    set_enabled([bot], enabled=False, actor=SYSTEM)
    assert open_incidents() == {}


def test_it_is_over_an_hour_later_and_says_the_highest_count(bot):
    lose(bot, 9, minutes=50)
    lose(bot, 5)
    assert open_incidents() == {"Helper": "14"}
    pass_time(minutes=20)
    assert open_incidents() == {"Helper": "14"}
    pass_time(minutes=50)
    detect()
    Incident.objects.update(recovered_at=timezone.now() - RECOVERY)
    assert open_incidents() == {}
    assert Incident.objects.get().closed_at is not None


def test_several_bots_are_one_incident_of_the_installation(bot, superuser):
    owner = make_operator("owner")
    bot.owners.add(owner)
    lose(bot, 5)
    lose(make_bot(name="Other"), 7)
    assert open_incidents() == {"Feishu Portal": "12/2"}
    incident = Incident.objects.get()
    assert "12 authorizations of 2 bots" in incident.explanation.cause.en_us
    assert "拒绝刷新 2 个机器人的 12 个授权" in incident.explanation.cause.zh_cn
    assert not Incident.objects.visible_to(owner).exists()
    for person in due_people():
        send_due(*person)
    [message] = mail.outbox
    assert message.to == ["root@example.com"]
    assert "12 authorizations of 2 bots" in message.body
    assert "adoptrestore" in message.body


def test_bot_that_joins_keeps_the_first_ones_incident_and_gets_none_of_its_own(bot, superuser):
    lose(bot, 5)
    assert open_incidents() == {"Helper": "5"}
    lose(make_bot(name="Other"), 5)
    assert open_incidents() == {"Helper": "5", "Feishu Portal": "10/2"}


def test_incident_of_several_does_not_end_in_one_of_the_last_bot(bot, superuser):
    lose(bot, 5, minutes=50)
    lose(make_bot(name="Other"), 5)
    assert open_incidents() == {"Feishu Portal": "10/2"}
    pass_time(minutes=20)
    assert open_incidents() == {"Feishu Portal": "10/1"}


def test_owners_hear_of_their_bots_where_no_superuser_is_reached(bot):
    lose(bot, 5)
    lose(make_bot(name="Other"), 5)
    assert open_incidents() == {"Helper": "5", "Other": "5"}


def test_many_bots_that_lose_a_few_each_are_one_incident(bot):
    for number in range(3):
        lose(make_bot(name=f"Small {number}"), 2)
    assert open_incidents() == {"Feishu Portal": "6/3"}
    grants(bot, 55)
    Incident.objects.all().delete()
    assert open_incidents() == {}


def test_quiet_hour_costs_one_query(bot, django_assert_max_num_queries):
    grants(bot, 3)
    with django_assert_max_num_queries(1):
        assert list(lost_grants.lost_grants()) == []


def test_overview_shows_it_to_the_owner_and_to_no_stranger(bot):
    owner, stranger = make_operator("owner"), make_operator("stranger")
    bot.owners.add(owner)
    lose(bot, 5)
    detect()
    for user, is_shown in ((owner, True), (stranger, False)):
        client = Client()
        client.force_login(user)
        page = client.get(reverse("admin:index")).content.decode()
        assert ("5 个授权" in page) is is_shown


@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_refusals_are_found_by_their_index(bot):
    lose(bot, 5)
    with CaptureQueriesContext(connection) as queries:
        list(lost_grants.lost_grants())
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {queries[0]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "attempt_refused" in plan
