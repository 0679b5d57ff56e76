"""A row of a list that was searched leads to its page and from there back to the search."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from tests.factories import make_bot

pytestmark = pytest.mark.django_db
LIST = "admin:bots_bot_changelist"


def links(page) -> list[str]:
    """The addresses of rows, as the page has them."""
    changes = page.context["cl"]
    return [changes.url_for_result(row) for row in changes.result_list]


def test_filters_of_the_list_are_kept_on_the_page_of_a_row(admin_client):
    bot = make_bot(name="Helper")
    page = admin_client.get(reverse(LIST), {"q": "Help", "connected": "no"})
    [link] = links(page)
    assert f'href="{link.replace("&", "&amp;")}"' in page.content.decode()
    assert urlsplit(link).path == reverse("admin:bots_bot_change", args=[bot.pk])
    [kept] = parse_qs(urlsplit(link).query)["_changelist_filters"]
    assert parse_qs(kept) == {"q": ["Help"], "connected": ["no"]}


def test_page_of_a_row_leads_back_to_the_search(admin_client):
    make_bot(name="Helper")
    [link] = links(admin_client.get(reverse(LIST), {"q": "Help"}))
    assert f"{reverse(LIST)}?q=Help" in admin_client.get(link).content.decode()


def test_address_is_plain_where_nothing_is_filtered(admin_client):
    bot = make_bot()
    assert links(admin_client.get(reverse(LIST))) == [reverse("admin:bots_bot_change", args=[bot.pk])]


def test_no_page_is_looked_up_for_a_row(admin_client, monkeypatch):
    """Which is what takes the time."""
    from django.contrib.admin.templatetags import admin_urls  # noqa: PLC0415 -- to count in its place

    resolve, looked_up = admin_urls.resolve, []
    monkeypatch.setattr(admin_urls, "resolve", lambda url: looked_up.append(url) or resolve(url))
    for number in range(3):
        make_bot(name=f"Helper {number}")
    page = admin_client.get(reverse(LIST), {"q": "Help"})
    assert len(links(page)) == 3
    assert not [url for url in looked_up if "/change/" in url]
