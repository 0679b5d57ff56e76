"""Where a page is filed, what a list goes by, and what a row offers: as the pages show it."""

import re

import pytest
from django.urls import reverse

from auth_sessions.enums import SessionState, TokenStatus
from bots.enums import Transport
from bots.models import Person
from core.access import audit
from core.access.actors import Actor
from core.console.filters import linked
from feishu_portal.templatetags.console import filter_links
from tests.console.rows import list_of, page_of, text_of
from tests.factories import make_operator


def way_of(html: str) -> list[str]:
    """The names of the breadcrumbs, and of the page."""
    steps = re.findall(r'<li class="portal-crumb">(?:<a [^>]*>)?([^<]+)', html)
    [page] = re.findall(r"<h1[^>]*>([^<]+)</h1>", html)
    return [*steps, page]


def title_of(html: str) -> str:
    return re.search(r"<title>\s*(.+?)\s*</title>", html)[1]


@pytest.mark.parametrize(
    ("page", "way", "title"),
    [
        (lambda _rows: list_of("bots_bot"), ["Bots"], "Bots · Feishu Portal"),
        (
            lambda rows: page_of("bots_bot", rows.bot),
            ["Bots", "Helper"],
            "Helper · Bots · Feishu Portal",
        ),
        (
            lambda rows: page_of("bots_bot", rows.bot, "disconnect"),
            ["Bots", "Helper", "Disconnect Helper"],
            "Disconnect Helper · Helper · Feishu Portal",
        ),
        (
            lambda _rows: "/admin/bots/bot/add/",
            ["Bots", "Add a bot"],
            "Add a bot · Bots · Feishu Portal",
        ),
        (lambda _rows: "/admin/events/event/live/", ["Events", "Event log", "Live events"], None),
        (lambda _rows: "/admin/events/event/dead-letters/", ["Events", "Event log", "Dead letters"], None),
        (lambda _rows: "/admin/events/replayjob/", ["Events", "Replays"], "Replays · Feishu Portal"),
        (lambda _rows: "/admin/connections/", ["Bots", "Connections"], "Connections · Feishu Portal"),
        (lambda _rows: "/admin/access/apiclient/add/", ["Access", "API clients", "Add API client"], None),
    ],
)
def test_page_is_filed_under_the_names_of_the_sidebar(page, way, title, rows, as_superuser):
    type(rows.bot).objects.filter(pk=rows.bot.pk).update(name="Helper")
    html = text_of(as_superuser.get(page(rows)))
    assert way_of(html) == way
    assert title is None or title_of(html) == title


@pytest.mark.parametrize(
    "name", ["auth_sessions_usertoken", "auth_sessions_authsession", "auth_sessions_tokenuse"]
)
def test_page_about_a_person_is_titled_with_the_name(name, rows, as_superuser):
    row = rows.of(name)
    Person.objects.update_or_create(
        bot=rows.bot, open_id=row.open_id, defaults={"name": "王芳", "en_name": "Wang Fang"}
    )
    html = text_of(as_superuser.get(page_of(name, row)))
    assert "Wang Fang" in title_of(html)
    assert row.open_id not in title_of(html)


def test_page_of_an_audit_entry_is_titled_with_its_sentence(as_superuser):
    entry = audit.record(actor=Actor.operator(make_operator("lin")), action="audit.exported")
    html = text_of(as_superuser.get(reverse("admin:access_auditentry_change", args=[entry.pk])))
    assert title_of(html).startswith("lin exported the audit log")


def test_overview_is_filed_under_nothing(rows, as_owner):
    assert way_of(text_of(as_owner.get(reverse("admin:index")))) == ["Overview"]


def test_index_of_an_app_leads_to_the_overview(as_owner):
    assert as_owner.get("/admin/bots/")["Location"] == reverse("admin:index")


def test_filters_that_a_list_goes_by_stand_above_it_with_a_way_out(rows, as_owner):
    html = text_of(as_owner.get(list_of("bots_bot"), {"connected": "no", "enabled__exact": "1"}))
    chips = re.search(r'<ul class="portal-chips".*?</ul>', html, re.DOTALL)[0]
    assert "No, but should be" in chips
    assert 'href="?enabled__exact=1"' in chips
    assert 'href="?connected=no"' in chips
    assert "portal-chips" not in text_of(as_owner.get(list_of("bots_bot")))


def test_names_in_filters_and_menus_are_text(rows, as_owner):
    type(rows.bot).objects.filter(pk=rows.bot.pk).update(name='<b>"&')
    log = text_of(as_owner.get(list_of("events_event"), {"bot__id__exact": str(rows.bot.pk)}))
    choice = f'<li><a href="?bot__id__exact={rows.bot.pk}" aria-current="true">&lt;b&gt;&quot;&amp;</a></li>'
    assert choice in log
    assert 'aria-label="Actions for &lt;b&gt;&quot;&amp;"' in text_of(as_owner.get(list_of("bots_bot")))


def test_choice_of_a_filter_keeps_the_rest_of_the_address():
    choices = linked("?q=%22a%22&since=1h", "kind", [("a b&c", "<i>"), ("", "None")], {""})
    assert filter_links(choices) == (
        '<li><a href="?q=%22a%22&amp;since=1h&amp;kind=a+b%26c">&lt;i&gt;</a></li>'
        '<li><a href="?q=%22a%22&amp;since=1h&amp;kind=" aria-current="true">None</a></li>'
    )


def offered(html: str) -> set[str]:
    """The last parts of the addresses in the menus of a list's rows."""
    return {
        name
        for menu in re.findall(r'<div id="actions-.*?</div>', html, re.DOTALL)
        for name in re.findall(r'href="[^"]*/([a-z-]+)/"', menu)
    }


@pytest.mark.parametrize(
    ("changed", "there", "away"),
    [
        ({"connect": True}, {"reconnect", "disconnect", "toggle"}, {"connect"}),
        ({"connect": False}, {"connect"}, {"reconnect", "disconnect"}),
        ({"enabled": False}, {"toggle"}, {"connect", "reconnect", "disconnect"}),
        (
            {"transport": Transport.WEBHOOK, "callback_transport": Transport.WEBHOOK},
            {"toggle", "switch-transport"},
            {"connect", "reconnect", "disconnect"},
        ),
    ],
)
def test_bot_offers_what_its_state_allows(changed, there, away, rows, as_owner):
    type(rows.bot).objects.filter(pk=rows.bot.pk).update(**changed)
    names = offered(text_of(as_owner.get(list_of("bots_bot"))))
    assert there <= names
    assert not away & names
    page = text_of(as_owner.get(page_of("bots_bot", rows.bot)))
    assert all(f"{rows.bot.pk}/{name}/" not in page for name in away)


def test_switch_is_called_by_what_it_does(rows, as_owner):
    assert "Switch off" in text_of(as_owner.get(list_of("bots_bot")))
    type(rows.bot).objects.filter(pk=rows.bot.pk).update(enabled=False)
    html = text_of(as_owner.get(list_of("bots_bot")))
    assert re.search(r"</span>\s*Switch on\s*</a>", html)


def test_revoked_authorization_can_only_be_asked_for_again(rows, as_owner):
    assert "revoke" in offered(text_of(as_owner.get(list_of("auth_sessions_usertoken"))))
    rows.token.__class__.objects.all().destroy_tokens(TokenStatus.REVOKED)
    assert offered(text_of(as_owner.get(list_of("auth_sessions_usertoken")))) == {"send-card"}


def test_request_that_has_ended_cannot_be_cancelled(rows, as_owner):
    sessions = type(rows.session).objects
    sessions.update(state=SessionState.CANCELLED, reason="")
    assert "cancel" not in offered(text_of(as_owner.get(list_of("auth_sessions_authsession"))))
