"""Who is told of an incident, in which words, and how often."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import respx
from django.core import mail
from django.utils import timezone

from bots.enums import Channel, SlotState
from bots.incidents import notices
from bots.incidents.channels import receive_id_type
from bots.incidents.detection import RECOVERY, detect
from bots.incidents.notices import due_people, send_due
from bots.models import Bot, Incident, Notice, PlatformCount
from core.access.models import User
from tests.factories import PLATFORM, make_bot, make_operator

pytestmark = pytest.mark.django_db

LONG = timedelta(hours=1)


@pytest.fixture(autouse=True)
def email(settings) -> None:
    settings.EMAIL_IS_SET_UP = True
    settings.PUBLIC_URL = "https://portal.test"


def make_person(name: str, *, superuser: bool = False, **values: Any) -> User:
    user = make_operator(name, superuser=superuser)
    for field, value in ({"email": f"{name}@example.com", "language": "en"} | values).items():
        setattr(user, field, value)
    user.save()
    return user


def make_troubled(*owners: User, name: str = "Helper", code: int = 1000040345) -> Bot:
    bot = make_bot(name=name)
    Bot.objects.filter(pk=bot.pk).update(updated_at=timezone.now() - LONG)
    bot.owners.add(*owners)
    bot.slots.update(
        state=SlotState.ERROR,
        down_since=timezone.now() - LONG,
        error_code=code,
        error_message="app secret invalid",
    )
    return bot


def make_well(*owners: User, **values: Any) -> Bot:
    bot = make_bot(**values)
    bot.owners.add(*owners)
    recover(bot)
    return bot


def recover(bot: Bot) -> None:
    bot.slots.update(
        state=SlotState.CONNECTED,
        holder=uuid4(),
        lease_until=timezone.now() + LONG,
        down_since=None,
        error_code=None,
        error_message="",
    )


def tell_all() -> None:
    """What a sweep does."""
    detect()
    for person in due_people():
        send_due(*person)


def let_time_pass() -> None:
    """Longer than the gap between two messages, and than a bot has to be well."""
    ago = timezone.now() - 2 * notices.GAP
    Notice.objects.filter(problem_sent_at__isnull=False).update(problem_sent_at=ago)
    Notice.objects.filter(recovery_sent_at__isnull=False).update(recovery_sent_at=ago)
    Notice.objects.filter(due_at__isnull=False).update(due_at=ago)
    Incident.objects.filter(recovered_at__isnull=False).update(recovered_at=timezone.now() - RECOVERY)


def test_owner_is_told_once_and_once_more_when_all_is_well():
    bot = make_troubled(make_person("lin"))
    for _ in range(3):
        tell_all()
        let_time_pass()
    [began] = mail.outbox
    assert began.to == ["lin@example.com"]
    assert began.subject == "Helper cannot connect: the configuration is wrong"
    assert bot.app_id in began.body
    assert "1000040345" in began.body
    assert f"https://portal.test/admin/bots/bot/{bot.pk}/change/" in began.body
    recover(bot)
    for _ in range(3):
        tell_all()
        let_time_pass()
    _, over = mail.outbox
    assert over.subject == "Helper has recovered"
    notice = Notice.objects.get()
    assert notice.problem_sent_at
    assert notice.recovery_sent_at
    assert notice.due_at is None


def test_people_are_told_in_their_own_language():
    make_troubled(make_person("lin", language="zh-hans"), name="助手")
    tell_all()
    [message] = mail.outbox
    assert message.subject == "助手 无法连接：配置有误"


def test_superusers_are_told_where_a_bot_has_no_owners_and_strangers_never():
    root, _stranger = make_person("root", superuser=True), make_person("stranger")
    make_troubled()
    tell_all()
    assert [message.to for message in mail.outbox] == [[root.email]]


def test_superusers_are_left_in_peace_where_there_is_an_owner():
    make_person("root", superuser=True)
    owner = make_person("lin")
    make_troubled(owner)
    tell_all()
    assert [message.to for message in mail.outbox] == [[owner.email]]


def test_operator_who_is_disabled_is_not_told():
    root = make_person("root", superuser=True)
    make_troubled(make_person("gone", is_active=False))
    tell_all()
    assert [message.to for message in mail.outbox] == [[root.email]]


def test_many_bots_make_one_message_and_the_next_waits_for_five_minutes():
    lin = make_person("lin")
    for number in range(3):
        make_troubled(lin, name=f"Helper {number}")
    tell_all()
    [message] = mail.outbox
    assert message.subject == "3 incidents need you"
    assert all(f"Helper {number}" in message.body for number in range(3))
    make_troubled(lin, name="Late")
    tell_all()
    assert len(mail.outbox) == 1
    let_time_pass()
    tell_all()
    assert "Late" in mail.outbox[1].subject


def test_incident_that_ends_before_anybody_was_told_is_never_told():
    lin = make_person("lin")
    bot = make_troubled(lin)
    detect()
    recover(bot)
    detect()
    Incident.objects.update(recovered_at=timezone.now() - RECOVERY)
    tell_all()
    assert mail.outbox == []
    assert Notice.objects.get().due_at is None


def test_mail_server_that_is_away_is_tried_again_and_then_no_more(monkeypatch):
    make_troubled(make_person("lin"))
    tries: list[int] = []

    def away(_message: Any, **_options: Any) -> None:
        tries.append(1)
        raise ConnectionRefusedError("away")

    monkeypatch.setattr("django.core.mail.EmailMessage.send", away)
    for _ in range(8):
        tell_all()
        let_time_pass()
    notice = Notice.objects.get()
    assert (len(tries), notice.due_at, notice.problem_sent_at) == (notices.RETRIES.max_attempts, None, None)
    assert notice.error == "ConnectionRefusedError: away"


def test_two_workers_write_one_message():
    lin = make_person("lin")
    make_troubled(lin)
    detect()
    Notice.objects.update(due_at=timezone.now())
    [person] = due_people()
    claimed = notices._claim(Notice.objects.all())
    assert len(claimed) == 1
    send_due(*person)
    assert mail.outbox == []


def test_name_with_a_line_break_makes_no_header_of_its_own():
    bot = make_troubled(make_person("lin"))
    Bot.objects.filter(pk=bot.pk).update(name="Helper\nBcc: everybody@example.com")
    tell_all()
    [message] = mail.outbox
    assert message.message()["Bcc"] is None


def test_nobody_is_addressed_by_mail_without_a_mail_server(settings):
    settings.EMAIL_IS_SET_UP = False
    make_troubled(make_person("lin"))
    detect()
    assert not Notice.objects.exists()
    assert Incident.objects.count() == 1


# --- by Feishu


@pytest.fixture
def sent() -> Iterator[list[dict[str, Any]]]:
    """What reaches the platform as messages."""
    bodies: list[dict[str, Any]] = []

    def take(request: Any) -> Any:
        bodies.append(dict(request.url.params) | json.loads(request.content))
        return httpx.Response(200, json={"code": 0, "data": {"message_id": "om_1", "chat_id": "oc_1"}})

    with respx.mock(base_url=PLATFORM, assert_all_called=False) as router:
        router.post("/open-apis/auth/v3/tenant_access_token/internal").respond(
            json={"code": 0, "tenant_access_token": "t-0ken", "expire": 7140}
        )
        router.post("/open-apis/im/v1/messages").mock(side_effect=take)
        yield bodies


@pytest.fixture
def lin() -> User:
    return make_person("lin", email="", feishu_address="lin@corp.example.com")


def test_another_bot_of_the_owner_that_is_well_writes_to_them(sent, lin):
    make_well(lin)
    make_troubled(lin)
    tell_all()
    [message] = sent
    assert (message["receive_id_type"], message["receive_id"]) == ("email", "lin@corp.example.com")
    assert "Helper cannot connect" in json.loads(message["content"])["text"]
    assert len(message["uuid"]) <= 50
    assert Notice.objects.get().channel == Channel.FEISHU


def test_strangers_bot_carries_no_message(sent, lin):
    make_well(make_person("stranger"))
    make_troubled(lin)
    tell_all()
    assert sent == []
    assert Notice.objects.get().error == "no healthy bot to send it with"


def test_bot_with_a_foreign_connection_can_still_write(sent, lin):
    bot = make_well(lin)
    PlatformCount.objects.create(bot=bot, next_check_at=timezone.now(), online=3, held=1, more_counts=2)
    tell_all()
    assert len(sent) == 1
    assert Incident.objects.get().cause == "foreign"
    assert "3 connections" in json.loads(sent[0]["content"])["text"]


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("lin@example.com", "email"),
        ("on_1", "union_id"),
        ("ou_1", "open_id"),
        ("oc_1", "chat_id"),
        ("4d7a3c6g", "user_id"),
    ],
)
def test_kind_of_an_address_is_seen_by_its_look(address, kind):
    assert receive_id_type(address) == kind
