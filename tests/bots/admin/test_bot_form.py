"""The proxy of a bot in the console: written, replaced, removed, and never read but for where it is."""

import pytest
from django.test import Client
from django.urls import reverse

from bots.models import Bot
from core.access.models import AuditEntry
from tests.bots.admin.test_bots import form_of, new_bot
from tests.console.rows import Rows, page_of, text_of


def test_page_says_where_the_proxy_is_and_not_who_signs_in(rows: Rows, as_owner: Client) -> None:
    html = text_of(as_owner.get(page_of("bots_bot", rows.bot)))
    assert "http://127.0.0.1:9" in html
    assert "proxy-user" not in html


def test_new_bot_takes_a_proxy(as_superuser: Client) -> None:
    url = "http://ops:p%40ss@proxy.test:3128"
    assert as_superuser.post(reverse("admin:bots_bot_add"), new_bot(proxy_url=url)).status_code == 302
    bot = Bot.objects.get(app_id="cli_a1b2c3d4e5f60718")
    assert bot.credentials.proxy == url
    [column] = Bot.objects.filter(pk=bot.pk).extra(select={"raw": "proxy_url"}).values_list("raw")
    assert "proxy.test" not in column[0]


@pytest.mark.parametrize(
    "url", ["socks5://proxy.test:1080", "http://proxy.test", "proxy.test:3128", "http://ops:hush@proxy.test"]
)
def test_what_is_no_proxy_is_refused_and_not_repeated(rows: Rows, as_owner: Client, url: str) -> None:
    answer = as_owner.post(page_of("bots_bot", rows.bot), form_of(rows.bot, proxy_url=url))
    assert answer.context["adminform"].form.errors["proxy_url"]
    assert "proxy.test" not in text_of(answer)
    assert Bot.objects.get(pk=rows.bot.pk).proxy_url == rows.bot.proxy_url


def test_empty_field_keeps_the_proxy_and_the_box_removes_it(rows: Rows, as_owner: Client) -> None:
    as_owner.post(page_of("bots_bot", rows.bot), form_of(rows.bot, name="Renamed"))
    assert Bot.objects.get(pk=rows.bot.pk).proxy_url
    renamed = Bot.objects.get(pk=rows.bot.pk)
    as_owner.post(
        page_of("bots_bot", rows.bot),
        form_of(renamed, app_secret="the-app-secret", **{"proxy_url-remove": "1"}),
    )
    assert Bot.objects.get(pk=rows.bot.pk).credentials.proxy == ""
    entry = AuditEntry.objects.filter(action="bot.updated").latest("pk")
    assert entry.detail == {
        "changed": ["app_secret", "proxy_url"],
        "before": {"proxy_url": "http://127.0.0.1:9"},
        "after": {"proxy_url": ""},
    }
