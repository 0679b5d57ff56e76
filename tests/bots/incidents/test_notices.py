"""Who is notified of an incident, in which words, and how often."""

from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from bots.enums import Channel
from bots.incidents import notices
from bots.incidents.detection import RECOVERY, detect
from bots.incidents.notices import due_people, send_due, why_nobody_was_told
from bots.models import Bot, Incident, Notice
from tests.bots.incidents.people import let_time_pass, make_person, make_troubled, notify_all, recover

pytestmark = pytest.mark.django_db


def test_owner_is_told_once_and_once_more_when_all_is_well():
    bot = make_troubled(make_person("lin"))
    for _ in range(3):
        notify_all()
        let_time_pass()
    [began] = mail.outbox
    assert began.to == ["lin@example.com"]
    assert began.subject == "Helper cannot connect: the configuration is wrong"
    assert bot.app_id in began.body
    assert "1000040345" in began.body
    assert f"https://portal.test/admin/bots/bot/{bot.pk}/change/" in began.body
    recover(bot)
    for _ in range(3):
        notify_all()
        let_time_pass()
    _, over = mail.outbox
    assert over.subject == "Helper has recovered"
    notice = Notice.objects.get()
    assert notice.problem_sent_at
    assert notice.recovery_sent_at
    assert notice.due_at is None


def test_people_are_told_in_their_own_language():
    make_troubled(make_person("lin", language="zh-hans"), name="助手")
    notify_all()
    [message] = mail.outbox
    assert message.subject == "助手 无法连接：配置有误"


def test_superusers_are_told_where_a_bot_has_no_owners_and_strangers_never():
    root, _stranger = make_person("root", superuser=True), make_person("stranger")
    make_troubled()
    notify_all()
    assert [message.to for message in mail.outbox] == [[root.email]]


def test_superusers_are_left_in_peace_where_there_is_an_owner():
    make_person("root", superuser=True)
    owner = make_person("lin")
    make_troubled(owner)
    notify_all()
    assert [message.to for message in mail.outbox] == [[owner.email]]


def test_operator_who_is_disabled_is_not_told():
    root = make_person("root", superuser=True)
    make_troubled(make_person("gone", is_active=False))
    notify_all()
    assert [message.to for message in mail.outbox] == [[root.email]]


def test_many_bots_make_one_message_and_the_next_waits_for_five_minutes():
    lin = make_person("lin")
    for number in range(3):
        make_troubled(lin, name=f"Helper {number}")
    notify_all()
    [message] = mail.outbox
    assert message.subject == "3 incidents need you"
    assert all(f"Helper {number}" in message.body for number in range(3))
    make_troubled(lin, name="Late")
    notify_all()
    assert len(mail.outbox) == 1
    let_time_pass()
    notify_all()
    assert "Late" in mail.outbox[1].subject


def test_incident_that_ends_before_anybody_was_told_is_never_told():
    lin = make_person("lin")
    bot = make_troubled(lin)
    detect()
    recover(bot)
    detect()
    Incident.objects.update(recovered_at=timezone.now() - RECOVERY)
    notify_all()
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
        notify_all()
        let_time_pass()
    notice = Notice.objects.get()
    assert (len(tries), notice.due_at, notice.problem_sent_at) == (notices.RETRIES.max_attempts, None, None)
    assert notice.error == "mail_unreachable: ConnectionRefusedError: away"


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
    notify_all()
    [message] = mail.outbox
    assert message.message()["Bcc"] is None


def test_process_without_a_mail_server_leaves_the_notice_to_one_that_has_it(settings):
    """Django's stand-in for a mail server would take it, and nobody would be told."""
    settings.EMAIL_IS_SET_UP = False
    lin = make_person("lin")
    make_troubled(lin)
    notify_all()
    send_due(lin.pk, Channel.EMAIL)  # at another process's word
    notice = Notice.objects.get()
    assert (notice.attempts, notice.problem_sent_at, mail.outbox) == (0, None, [])
    assert "EMAIL_URL" in why_nobody_was_told(notice.incident)
    settings.EMAIL_IS_SET_UP = True
    assert why_nobody_was_told(notice.incident) == ""
    notify_all()
    assert [message.to for message in mail.outbox] == [[lin.email]]


def test_where_nobody_has_a_mail_server_a_person_is_still_reached_by_feishu(settings):
    settings.EMAIL_IS_SET_UP = False
    lin = make_person("lin", feishu_address="ou_lin")
    make_troubled(lin)
    detect()
    assert due_people() == [(lin.pk, Channel.FEISHU)]
    assert why_nobody_was_told(Incident.objects.get()) == ""
