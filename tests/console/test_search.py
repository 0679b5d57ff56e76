"""What Ctrl-K finds in an operator's own rows, and that a stranger's search finds none of them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bots.models import Person
from bots.people.directory import remember
from feishu.people import Profile
from tests.console.rows import make_rows, text_of
from tests.factories import make_bot

LOG_ID = "20261129225409A1B2C3D4E5F60718"


@pytest.fixture
def texts(rows) -> dict[str, tuple[str, object]]:
    """What is typed, by the kind of row that it finds: the name of its page, and the row."""
    type(rows.bot).objects.filter(pk=rows.bot.pk).update(name="Orders 订单助手")
    type(rows.token).objects.filter(pk=rows.token.pk).update(union_id="on_union")
    remember(rows.bot, [Profile(rows.token.open_id, name="韩梅梅")])
    person = Person.objects.get()
    type(rows.session).objects.filter(pk=rows.session.pk).update(
        error_log_id=LOG_ID, state="failed", reason="platform_error"
    )
    type(rows.sending).objects.filter(pk=rows.sending.pk).update(log_id=LOG_ID)
    rows.token.refresh_from_db()
    return {
        "bot by a part of its name": ("订单", rows.bot),
        "bot by its App ID": (rows.bot.app_id, rows.bot),
        "event by its ID": (rows.event.event_id, rows.event),
        "person by name": ("梅梅", person),
        "person by open_id": (rows.token.open_id, person),
        "person by the union_id of the token": ("on_union", person),
        "request by the person": (rows.session.open_id, rows.session),
        "request by its log ID": (LOG_ID, rows.session),
        "message by its address": (rows.sending.target, rows.sending),
        "message by its log ID": (LOG_ID, rows.sending),
    }


def found(client, text: str) -> str:
    answer = client.get(reverse("admin:search"), {"q": text})
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    return text_of(answer)


def link_of(row) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def test_everything_is_found_by_its_owner_and_by_a_superuser_and_not_by_a_stranger(
    texts, as_owner, as_superuser, as_stranger
):
    for kind, (text, row) in texts.items():
        assert link_of(row) in found(as_owner, text), kind
        assert link_of(row) in found(as_superuser, text), kind
        assert link_of(row) not in found(as_stranger, text), kind


def test_people_are_found_with_their_circle_and_others_with_a_symbol(texts, as_owner):
    assert 'aria-hidden="true">梅</span><span class="portal-hit">韩梅梅<' in found(as_owner, "梅梅")
    assert "portal-avatar" not in found(as_owner, "订单")


def test_person_whom_two_bots_know_is_found_once(rows, as_superuser):
    other = make_bot(name="Leave requests")
    remember(rows.bot, [Profile("ou_1", "on_han", "韩梅梅", email="han@company.test")])
    remember(other, [Profile("ou_2", "on_han", "韩梅梅")])
    for text in ("梅梅", "on_han", "han@company.test"):
        html = found(as_superuser, text)
        assert html.count(">韩梅梅<") == 1
        assert "han@company.test · " in html
        assert "Leave requests" in html


def test_search_takes_as_many_queries_for_many_rows_as_for_one(rows, as_owner, owner):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            found(as_owner, "Helper")
        return len(captured)

    queries()  # the first fills caches
    one = queries()
    for _ in range(8):
        make_rows(name="Helper").bot.owners.add(owner)
    assert queries() == one


def test_hits_are_no_more_than_a_few_and_their_names_are_escaped(as_superuser):
    for _ in range(9):
        make_bot(name="<b>Orders</b>")
    html = found(as_superuser, "orders")
    assert html.count('role="option"') == 6
    assert "&lt;b&gt;Orders" in html


def test_search_without_a_match_says_so(as_owner):
    assert "Nothing matches" in found(as_owner, "no-such-thing")
