import pytest
from django.urls import reverse

from core.access.models import User
from core.console import search as searching
from core.console.search import MAX_HITS, Hit, Source, is_log_id, search

NAVIGATION = (
    {
        "title": "Bots",
        "items": [
            {"title": "Bots", "icon": "smart_toy", "link": "/bots/", "has_permission": True},
            {"title": "Processes", "icon": "memory", "link": "/processes/", "has_permission": False},
        ],
    },
)


@pytest.fixture
def sources(monkeypatch) -> list[Source]:
    only: list[Source] = []
    monkeypatch.setattr(searching, "_sources", only)
    return only


def test_source_is_asked_with_the_operator_and_the_text_without_blanks(sources):
    user, asked = User(username="lin"), []
    sources.append(Source("Things", "star", lambda *given: asked.append(given) or [Hit("a", "/a/")]))
    [group] = search(user, "  crm ")
    assert asked == [(user, "crm")]
    assert (group.title, group.hits) == ("Things", (Hit("a", "/a/"),))


def test_no_more_hits_are_taken_of_one_source_than_are_shown(sources):
    endless = iter(lambda: Hit("a", "/a/"), None)
    sources.append(Source("Things", "star", lambda _user, _text: endless))
    [group] = search(User(), "a")
    assert len(group.hits) == MAX_HITS


@pytest.mark.parametrize("text", ["", "   ", "\x00"])
def test_nothing_is_asked_for_an_empty_text(sources, text):
    sources.append(Source("Things", "star", lambda _user, _text: pytest.fail("asked")))
    assert search(User(), text) == []


def test_pages_are_found_by_the_sidebars_names_as_far_as_the_operator_may_open_them(sources):
    assert [group.hits for group in search(User(), "BOT", navigation=NAVIGATION)] == [
        (Hit("Bots", "/bots/", "Bots"),)
    ]
    assert search(User(), "processes", navigation=NAVIGATION) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("20261129225409A1B2C3D4E5F60718", True), ("om_1", False), ("20261129225409", False)],
)
def test_log_ids_are_told_by_their_form(text, expected):
    assert is_log_id(text) is expected


def test_search_is_for_operators_alone(client, db):
    answer = client.get(reverse("admin:search"), {"q": "a"})
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("admin:login"))
