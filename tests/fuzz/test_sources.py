"""Every source has shots, and the same ones for the same seed."""

from functools import cache

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from feishu_portal.api import api
from tests.fuzz.portal import Portal
from tests.fuzz.shots import Shot
from tests.fuzz.sources import Fields, sources

PAGE = """
<form><input name="csrfmiddlewaretoken" value="x"><input name="name" value="A">
<input type="checkbox" name="off"><input type="checkbox" name="on" checked value="1">
<select name="kind"><option value="">-</option><option value="b" selected>B</option></select><textarea name="text"></textarea>
</form>
"""
ROWS = {
    "cookie": "session=x",
    "csrf_cookie": "csrf",
    "key": "fp_x",
    "agent": "00000000-0000-4000-8000-000000000001",
    "metrics": "http://127.0.0.1:1",
    "pages": [["GET", "/admin/bots/bot/"], ["POST", "/admin/bots/bot/add/"], ["POST", "/admin/logout/"]],
    "parameters": {"bot_id": ["cli_1"], "subscription_id": ["s"]},
    "bots": dict.fromkeys(
        (
            "private",
            "encrypted",
            "plain",
            "connected",
            "speaking",
            "answering",
            "answering_id",
            "receiving_id",
            "id",
        ),
        "cli_1",
    ),
}


@cache
def portal() -> Portal:
    document = api.get_openapi_schema()
    return Portal("http://portal.test", ROWS, document, lambda _address: PAGE)


def shots_of(name: str) -> list[Shot]:
    shots: list[Shot] = []

    @seed(1)
    @settings(
        max_examples=15, phases=[Phase.generate], database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(sources(portal())[name])
    def collect(shot: Shot) -> None:
        shots.append(shot)

    collect()
    return shots


first_shots_of = cache(shots_of)


@pytest.mark.parametrize(
    "name",
    [
        "rest", "cursors", "pages", "forms", "sockets", "webhooks", "frames", "proxy", "answers", "cookies", "agents", "sign_ins",
        "metrics",
    ],
)  # fmt: skip
def test_source_has_shots_that_are_its_own(name):
    shots = first_shots_of(name)
    assert len(shots) >= 10
    assert {shot.source for shot in shots} == {name}
    assert all(isinstance(shot.body, bytes) and str(shot).startswith(f"{name}: ") for shot in shots)
    assert not [shot for shot in shots if "logout" in shot.target]


@pytest.mark.parametrize("name", ["cursors", "pages", "forms", "webhooks", "proxy"])
def test_same_seed_has_the_same_shots(name):
    assert [*map(str, shots_of(name))] == [*map(str, first_shots_of(name))]


def test_fields_of_a_page_are_those_that_a_browser_would_send():
    assert Fields(PAGE).found == {"name": "A", "on": "1", "kind": "b", "text": ""}
