from typing import Any

import pytest
from django.utils import timezone

from bots.doctor.checklist import checklist
from bots.doctor.findings import Check
from bots.doctor.people import IN_A_ROW, people
from bots.enums import CheckResult
from bots.models import Bot, PeopleLookup, Person, PersonPicture
from tests.factories import make_bot

pytestmark = pytest.mark.django_db


def looked_up(**values: Any) -> Bot:
    bot = make_bot()
    PeopleLookup.objects.create(bot=bot, failed_at=timezone.now(), **values)
    return bot


def add_picture(bot: Bot, open_id: str, **values: Any) -> None:
    person = Person.objects.create(bot=bot, open_id=open_id)
    PersonPicture.objects.create(person=person, url="https://pictures.test/72.png?key=hush", **values)


def test_bot_of_which_nobody_was_looked_up_is_in_order():
    assert people(make_bot()).result is CheckResult.OK


def test_missing_scope_is_told_at_once_with_what_to_enable_and_keeps_nothing_open():
    bot = looked_up(code=99991672, failures=1)
    finding = people(bot)
    assert (finding.result, finding.code) == (CheckResult.UNKNOWN, 99991672)
    assert "contact:contact.base:readonly" in finding.value
    assert "contact:contact.base:readonly" in finding.cure.zh_cn
    [row] = [row for row in checklist(bot).rows if row.check is Check.PEOPLE]
    assert not row.is_open
    assert checklist(bot).unknown_count == 1


@pytest.mark.parametrize(
    ("failures", "result"), [(IN_A_ROW - 1, CheckResult.OK), (IN_A_ROW, CheckResult.WARNING)]
)
def test_look_ups_that_go_on_failing_are_told_with_cause_and_cure(failures, result):
    finding = people(looked_up(reason="timeout", failures=failures))
    assert finding.result is result
    assert bool(finding.cure.en_us) is (result is CheckResult.WARNING)


def test_pictures_none_of_which_comes_are_told_with_their_host_and_nothing_else_of_the_address():
    bot = make_bot()
    add_picture(bot, "ou_1", failures=1, fetch_at=timezone.now())
    add_picture(bot, "ou_2", failures=4)
    finding = people(bot)
    assert finding.result is CheckResult.UNKNOWN
    assert "pictures.test" in finding.cause.en_us
    assert "hush" not in repr(finding)
    add_picture(bot, "ou_3", digest="d", content=b"png")
    assert people(bot).result is CheckResult.OK
    assert people(make_bot()).result is CheckResult.OK


def test_three_queries_at_most(django_assert_max_num_queries):
    bot = make_bot()
    for number in range(3):
        add_picture(bot, f"ou_{number}", failures=1)
    with django_assert_max_num_queries(3):
        people(bot)
