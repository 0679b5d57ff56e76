import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from bots.models import Bot
from core.access.models import User
from core.access.roles import Role
from events.enums import SubscriptionKind, SubscriptionState
from events.models import Subscription
from tests.console.rows import page_of, text_of
from tests.events.handler_runs import dispatched, fanned_out, handed_over_click, stored_event
from tests.factories import make_bot, make_subscription

pytestmark = pytest.mark.django_db

LIST = "/admin/events/subscription/"
ADD = "/admin/events/subscription/add/"


@pytest.fixture
def subscription(rows, owner: User) -> Subscription:
    return make_subscription(rows.bot, owner=owner)


def form(bot: Bot, **values: object) -> dict[str, object]:
    return {
        "name": "CRM", "kind": "push", "url": "https://crm.example.com/hook", "bots": [str(bot.pk)], "event_types": "*",
        "filter": "", "per_second": "",
    } | values  # fmt: skip


def test_the_secret_of_a_new_subscription_is_shown_once(rows, owner, as_owner: Client):
    answer = as_owner.post(ADD, form(rows.bot, filter="event.message.chat_type = p2p"))
    made = Subscription.objects.get()
    assert made.secret in text_of(answer)
    assert answer.headers["Cache-Control"].startswith("max-age=0")
    assert (made.owner, list(made.bots.all())) == (owner, [rows.bot])
    assert made.secret not in text_of(as_owner.get(page_of("events_subscription", made)))


def test_one_that_is_fetched_has_no_secret_and_no_address(rows, as_owner: Client):
    answer = as_owner.post(ADD, form(rows.bot, kind="pull"))
    made = Subscription.objects.get()
    assert answer.status_code == 302
    assert (made.secret, made.url, made.kind) == ("", "", SubscriptionKind.PULL)
    assert f"/api/v1/subscriptions/{made.pk}/events" in text_of(
        as_owner.get(page_of("events_subscription", made))
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", ""), ("url", "ftp://a/"), ("url", "https://user:word@a/"), ("url", "https://a:99999/"), ("bots", []),
        ("filter", "import os"), ("event_types", ""), ("per_second", "0"), ("all_bots", "on"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_at_its_field(rows, as_owner: Client, field, value):
    answer = as_owner.post(ADD, form(rows.bot, **{field: value}))
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors
    assert not Subscription.objects.exists()


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://169.254.169.254/", "169.254.169.254"), ("https://[::1]:8443/hook", "::1"), ("http://0x7f000001/", "127.0.0.1"),
        ("http://10.1.2.3/", ""), ("http://localhost/", ""),
    ],
)  # fmt: skip
def test_ip_address_is_held_to_the_networks_that_are_allowed_and_a_name_is_not(
    rows, as_owner: Client, settings, url, address
):
    settings.DELIVERY_NETWORKS = ["public", "10.0.0.0/8"]
    answer = as_owner.post(ADD, form(rows.bot, url=url))
    if not address:
        assert Subscription.objects.get().url == url
        return
    [error] = answer.context["adminform"].form.errors["url"]
    assert error.startswith(f"{address} is in a network that may not be connected to.")
    assert "FEISHU_DELIVERY_NETWORKS" in error
    assert not Subscription.objects.exists()


def test_address_of_one_that_exists_is_judged_too(subscription, rows, as_owner: Client):
    answer = as_owner.post(page_of("events_subscription", subscription), form(rows.bot, url="http://127.1/"))
    assert list(answer.context["adminform"].form.errors) == ["url"]
    subscription.refresh_from_db()
    assert subscription.url != "http://127.1/"


def test_somebody_elses_bot_cannot_be_listened_to(rows, as_owner: Client):
    assert as_owner.post(ADD, form(make_bot())).status_code == 200
    assert not Subscription.objects.exists()


def test_bots_out_of_the_operators_sight_stay_and_are_not_shown(subscription, rows, as_owner: Client):
    lost, another = make_bot(name="Out of sight"), make_bot(name="Another")
    another.owners.add(subscription.owner)
    subscription.bots.set([rows.bot, lost])
    address = page_of("events_subscription", subscription)
    page = text_of(as_owner.get(address))
    assert "Another" in page
    assert not [shown for shown in (lost.name, lost.app_id, str(lost.pk)) if shown in page]
    as_owner.post(address, form(another))
    assert set(subscription.bots.all()) == {another, lost}
    as_owner.post(address, form(another, bots=[]))
    assert set(subscription.bots.all()) == {lost}
    assert as_owner.post(address, form(lost)).status_code == 200  # neither shown nor to be chosen
    User.objects.filter(pk=subscription.owner.pk).update(role=Role.VIEWER)
    assert lost.name not in text_of(as_owner.get(address))


def test_form_takes_as_many_queries_for_many_bots_and_reads_no_secret(subscription, rows, as_owner: Client):
    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            as_owner.get(page_of("events_subscription", subscription))
        return [query["sql"] for query in captured]

    queries()  # the first look fills Django's caches
    one = queries()
    for bot in [make_bot() for _ in range(20)]:
        bot.owners.add(subscription.owner)
        subscription.bots.add(bot)
    many = queries()
    assert len(many) == len(one)
    assert not any("app_secret" in sql for sql in many if "events_subscription_bots" in sql)


def test_a_subscription_can_be_changed(subscription, rows, as_owner: Client):
    as_owner.post(page_of("events_subscription", subscription), form(rows.bot, name="ERP", per_second="5"))
    secret = subscription.secret
    subscription.refresh_from_db()
    assert (subscription.name, subscription.per_second, subscription.kind) == ("ERP", 5, "push")
    assert subscription.secret == secret


@pytest.mark.parametrize(
    "action",
    ["test", "pause", "resume", "switch-off", "rotate", "replay-failed", "change", "delete", "history"],
)
def test_a_stranger_sees_nothing_of_it(subscription, as_stranger: Client, action):
    for method in (as_stranger.get, as_stranger.post):
        assert method(f"{LIST}{subscription.pk}/{action}/").status_code in {404, 405}
    assert subscription.name not in text_of(as_stranger.get(LIST))
    subscription.refresh_from_db()
    assert (subscription.state, subscription.removed_at) == (SubscriptionState.ACTIVE, None)


def test_one_that_answers_has_an_address_a_secret_and_no_rate(rows, as_owner: Client):
    answer = as_owner.post(
        ADD, form(rows.bot, kind="answer", event_types="card.action.trigger", per_second="5")
    )
    made = Subscription.objects.get()
    assert made.secret in text_of(answer)
    assert (made.kind, made.url, made.per_second) == ("answer", "https://crm.example.com/hook", None)
    page = text_of(as_owner.get(page_of("events_subscription", made)))
    assert "Asked to answer card clicks" in page
    assert 'name="per_second"' not in page
    assert "replay-failed" not in page
    as_owner.post(page_of("events_subscription", made), form(rows.bot, name="ERP", event_types="*"))
    made.refresh_from_db()
    assert (made.name, made.kind) == ("ERP", "answer")


def test_one_that_answers_wants_an_address(rows, as_owner: Client):
    assert as_owner.post(ADD, form(rows.bot, kind="answer", url="")).status_code == 200
    assert not Subscription.objects.exists()


def test_a_subscription_that_is_removed_is_out_of_sight(subscription, as_owner: Client):
    as_owner.post(page_of("events_subscription", subscription, "delete"), {"post": "yes"})
    subscription.refresh_from_db()
    assert subscription.removed_at
    assert as_owner.get(page_of("events_subscription", subscription)).status_code == 404


def test_the_page_shows_the_newest_deliveries_and_how_far_it_is_behind(subscription, rows, as_owner: Client):
    for _ in range(3):
        dispatched(stored_event(bot=rows.bot))
    page = text_of(as_owner.get(page_of("events_subscription", subscription)))
    assert page.count('data-testid="delivery"') == 3
    assert "3 · " in page


def test_the_page_says_why_a_click_was_not_put_to_its_receiver(rows, owner, as_owner: Client):
    made = make_subscription(rows.bot, owner=owner, kind="answer", state="paused")
    fanned_out(handed_over_click(rows.bot))
    page = text_of(as_owner.get(page_of("events_subscription", made)))
    assert "its receiver was not asked" in page


def test_the_list_takes_as_many_queries_for_three_as_for_one(rows, owner, as_owner: Client):
    counts = []
    for _ in range(2):
        for _ in range(len(counts) * 2 + 1):
            make_subscription(rows.bot, owner=owner, last_success_at=timezone.now())
        dispatched(stored_event(bot=rows.bot))
        as_owner.get(LIST)
        with CaptureQueriesContext(connection) as queries:
            assert as_owner.get(LIST).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_one_that_keeps_failing_stands_on_the_overview_of_its_owner_alone(
    subscription, as_owner: Client, as_stranger: Client
):
    Subscription.objects.update(state="failing", last_error="HTTP 500: oh no")
    assert "HTTP 500: oh no" in text_of(as_owner.get(reverse("admin:index")))
    assert "HTTP 500: oh no" not in text_of(as_stranger.get(reverse("admin:index")))
