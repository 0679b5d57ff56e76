"""The buttons of the overview: who may silence what, and what the overview says of it."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bots.models import ProblemSilence
from core.access.models import AuditEntry, User
from core.access.roles import Role
from feishu_portal.overview.problems import findings
from tests.console.rows import Rows, signed_in, text_of

INDEX = "/admin/"


@pytest.fixture
def key(rows: Rows, owner: User) -> str:
    return f"connection:{rows.bot.pk}"


def post(client: Client, verb: str, key: str) -> Any:
    return client.post(reverse(f"problems-{verb}"), {"key": key})


def count(user: User) -> int:
    return len(findings(user).problems)


def test_silenced_problem_counts_no_more_and_can_be_brought_back(key: str, owner: User) -> None:
    client, before = signed_in(owner), count(owner)
    answer = post(client, "silence", key)
    assert answer.headers["Location"] == INDEX
    html = text_of(client.get(INDEX))
    assert count(owner) == before - 1
    assert f"({before - 1}) Overview" in html.partition("</title>")[0]
    assert "1 silenced" in html
    assert "Silenced by Operator · owner" in html
    post(client, "unsilence", key)
    assert count(owner) == before
    assert list(
        AuditEntry.objects.filter(action__startswith="problem.").values_list("action", flat=True)
    ) == [
        "problem.unsilenced",
        "problem.silenced",
    ]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR])
def test_whoever_only_views_has_no_button_and_is_refused(role: Role, key: str, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(role=role)
    client = signed_in(owner)
    html = text_of(client.get(INDEX))
    assert "receives no events" in html
    for words in ("Silence for a day", "Update App Secret", "Replay 1"):
        assert words not in html
    for verb in ("silence", "unsilence"):
        assert post(client, verb, key).status_code == 403
    assert not ProblemSilence.objects.exists()


def test_stranger_finds_no_such_problem(key: str, stranger: User) -> None:
    client = signed_in(stranger)
    for verb in ("silence", "unsilence"):
        assert post(client, verb, key).status_code == 404
    assert not ProblemSilence.objects.exists()


@pytest.mark.parametrize("key", ["", "connection:", "connection:no-such-bot"])
def test_problem_that_is_not_there_is_not_found(key: str, owner: User) -> None:
    assert post(signed_in(owner), "silence", key).status_code == 404


def test_buttons_are_only_for_posts_with_a_token(key: str, owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    assert post(client, "silence", key).status_code == 403
    assert client.get(reverse("problems-silence")).status_code == 405
    assert not ProblemSilence.objects.exists()


def test_failures_of_a_handler_are_silenced_for_the_own_bots(
    rows: Rows, owner: User, superuser: User
) -> None:
    client = signed_in(owner)
    [key] = [one.key for one in findings(owner).problems if one.fact == "handler"]
    post(client, "silence", key)
    assert "handler" not in {one.fact for one in findings(owner).problems}
    assert "handler" in {one.fact for one in findings(superuser).problems}
