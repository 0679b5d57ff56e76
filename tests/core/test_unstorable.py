"""Values that no database takes and no clock reaches get a 4xx or an empty list, on every page of the console."""

import json

import pytest
from django.contrib import admin
from django.urls import reverse

from core.access.models import User
from events.models import ReplayJob
from tests.factories import make_bot, make_operator

pytestmark = pytest.mark.django_db

FAR_OUT = ["0001-01-01T00:00", "9999-12-31T23:59"]


@pytest.fixture
def console(client):
    client.force_login(make_operator(superuser=True))
    make_bot()
    return client


@pytest.fixture
def lists(console, rf) -> dict[str, list[str]]:
    """Every list of the console and its actions."""
    reverse("admin:index")  # the pages are registered when addresses are first asked for
    request = rf.get("/")
    request.user = User.objects.get()
    found = {
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"): [
            *page.get_actions(request)
        ]
        for model, page in admin.site._registry.items()
    }
    assert len(found) > 15
    assert any(found.values())
    return found


@pytest.mark.parametrize(
    "query",
    [
        "q=%00",
        "state__exact=%00",
        "%00=1",
        "p=99999999999999999999",
        "o=%00",
        "status__exact=%ed%a0%80",
        "bot__id__exact=x",
    ],
)
def test_lists_refuse_what_they_cannot_look_for(console, lists, query):
    for page in lists:
        assert console.get(f"{page}?{query}").status_code < 500, page


def test_actions_on_a_key_of_no_row_are_refused(console, lists):
    for page, actions in lists.items():
        for action in actions:
            answer = console.post(page, {"action": action, "_selected_action": "x", "index": "0"})
            assert answer.status_code < 500, (page, action)


@pytest.mark.parametrize("moment", FAR_OUT)
@pytest.mark.parametrize("name", ["from", "until"])
def test_moment_at_the_end_of_time_is_as_good_as_the_nearest(console, name, moment):
    answer = console.get(f"{reverse('admin:events_event_changelist')}?{name}={moment}")
    assert answer.status_code == 200


@pytest.mark.parametrize("before", ["-99999999999999999999999", "99999999999999999999999", "0"])
def test_page_of_the_event_log_may_begin_anywhere(console, before):
    assert console.get(f"{reverse('admin:events_event_changelist')}?before={before}").status_code == 200


UNKNOWN = (
    "before=x", "from=garbage", "until=2026-13-45T00:00", "status__exact=x", "arrived_by__exact=x", "bot__id__exact=x",
    "since=x", "subscription=x", "pk=1,x",
)  # fmt: skip


@pytest.mark.parametrize("query", UNKNOWN)
def test_replay_of_a_selection_that_cannot_be_read_is_refused(console, query):
    page = reverse("admin:events_event_replay_matching")
    assert console.get(f"{page}?{query}").status_code == 400
    assert console.post(f"{page}?{query}", {"mode": "all", "rate": "10"}).status_code == 400
    assert not ReplayJob.objects.exists()
    assert console.get(f"{page}?{query.partition('=')[0]}=").status_code == (
        400 if query == "before=x" else 200
    )


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("bots_bot", "connected=perhaps"),
        ("access_auditentry", "since=x"),
        ("bots_incident", "open=perhaps"),
    ],
)
def test_filter_of_a_list_that_cannot_be_read_is_no_filter_that_is_shown(console, page, query):
    answer = console.get(f"{reverse(f'admin:{page}_changelist')}?{query}")
    assert (answer.status_code, answer["Location"].endswith("?e=1")) == (302, True)


@pytest.mark.parametrize(
    "cursor", ["Infinity", "1e26", "-1e26", "99999999999999999999999", "NaN", '"x"', "[]"]
)
def test_live_events_begin_at_no_impossible_cursor(console, cursor):
    body = f'{{"cursor": {cursor}, "filters": {{}}}}'
    answer = console.post(reverse("admin:events_event_tail_poll"), body, content_type="application/json")
    assert answer.status_code < 500


def test_session_cookie_with_a_nul_is_refused(client, settings):
    client.cookies[settings.SESSION_COOKIE_NAME] = "x\x00abcdefgh"
    assert client.get("/admin/").status_code == 400


@pytest.mark.parametrize("value", [{"name": "a\x00b"}, {"a\x00b": "name"}])
def test_form_with_a_nul_is_refused(console, value):
    assert console.post(reverse("admin:bots_bot_add"), value).status_code == 400


def test_search_of_the_console_bears_any_page(console):
    assert console.get("/admin/search/?s=bots&page=x").status_code < 500
    assert console.get("/admin/autocomplete/?term=%00").status_code == 400


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_json_with_an_odd_cursor_is_no_object(console, moment):
    answer = console.post(
        reverse("admin:events_event_tail_poll"), json.dumps([moment]), content_type="application/json"
    )
    assert answer.status_code == 400
