"""Codes, grants and refresh tokens under a clock of our own."""

from collections.abc import Callable
from functools import partial

import pytest

from sandbox.config import AppConfig, PersonConfig, SandboxConfig
from sandbox.errors import TokenError
from sandbox.world import pkce
from sandbox.world.authorizations import Authorizations, Issued
from sandbox.world.world import World
from tests.sandbox.conftest import OTHER_APP_ID, REDIRECT, app_config

DAY = 86400.0
VERIFIER = "v" * 43


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app() -> AppConfig:
    return app_config()


@pytest.fixture
def world(clock: Clock, app: AppConfig) -> World:
    people = [PersonConfig(id="lilei", name="李雷"), PersonConfig(id="wangfang", name="王芳")]
    return World(SandboxConfig(apps=[app, app_config(app_id=OTHER_APP_ID)], people=people), clock)


@pytest.fixture
def authorizations(world: World) -> Authorizations:
    return world.authorizations


def code_for(
    authorizations: Authorizations, app: AppConfig, *scopes: str, challenge: str = "", method: str = "S256"
):
    authorizations.consent(app, "lilei", scopes)
    code = authorizations.new_code(
        app, "lilei", redirect_uri=REDIRECT, challenge=challenge, challenge_method=method
    )
    return code.value


def exchange(authorizations: Authorizations, app: AppConfig, value: str, **changes) -> Issued:
    wish = {"redirect_uri": REDIRECT, "verifier": None, "scopes": None, "strict_verifier": True}
    return authorizations.exchange(app, value, **(wish | changes))


def refused(action: Callable[[], object]) -> int | None:
    with pytest.raises(TokenError) as refusal:
        action()
    return refusal.value.code


def refresh_token(authorizations: Authorizations, app: AppConfig) -> str:
    issued = exchange(authorizations, app, code_for(authorizations, app, "offline_access"))
    assert issued.refresh is not None
    return issued.refresh.value


def test_tokens_are_opaque_long_and_look_like_a_jwt(authorizations, app) -> None:
    issued = exchange(authorizations, app, code_for(authorizations, app, "offline_access"))
    assert issued.refresh is not None
    for value in (issued.access.value, issued.refresh.value):
        assert value.startswith("eyJ")
        assert value.count(".") == 2
        assert 1000 <= len(value) <= 2048


def test_code_works_once_for_its_app_and_its_redirect_uri_within_five_minutes(
    authorizations, app, clock
) -> None:
    value = code_for(authorizations, app, "auth:user.id:read")
    assert refused(lambda: exchange(authorizations, app_config(app_id=OTHER_APP_ID), value)) == 20024
    assert refused(lambda: exchange(authorizations, app, value, redirect_uri="https://else.test")) == 20071
    exchange(authorizations, app, value)
    assert refused(lambda: exchange(authorizations, app, value)) == 20065
    assert refused(lambda: exchange(authorizations, app, "unknown")) == 20003
    late = code_for(authorizations, app)
    clock.now += 301
    assert refused(lambda: exchange(authorizations, app, late)) == 20004


@pytest.mark.parametrize("method", ["S256", "plain"])
def test_verifier_must_fit_the_challenge(authorizations, app, method: str) -> None:
    value = code_for(authorizations, app, challenge=pkce.transform(VERIFIER, method), method=method)
    for wrong in (None, "w" * 43, "short"):
        attempt = partial(exchange, authorizations, app, value, verifier=wrong)
        assert refused(attempt) == 20049
    exchange(authorizations, app, value, verifier=VERIFIER)


def test_verifier_without_a_challenge_is_refused_by_v3_and_ignored_by_v2(authorizations, app) -> None:
    value = code_for(authorizations, app)
    assert refused(lambda: exchange(authorizations, app, value, verifier=VERIFIER)) == 20049
    exchange(authorizations, app, value, verifier=VERIFIER, strict_verifier=False)


def test_grants_add_up_and_may_be_narrowed(authorizations, app) -> None:
    exchange(authorizations, app, code_for(authorizations, app, "auth:user.id:read"))
    issued = exchange(authorizations, app, code_for(authorizations, app, "im:message"))
    assert issued.access.scopes == ["auth:user.id:read", "im:message"]
    value = code_for(authorizations, app)
    assert refused(lambda: exchange(authorizations, app, value, scopes=["task:task:read"])) == 20068
    assert refused(lambda: exchange(authorizations, app, value, scopes=["im:message"] * 2)) == 20067
    assert exchange(authorizations, app, value, scopes=["im:message"]).access.scopes == ["im:message"]


def test_scope_that_the_app_lost_is_granted_no_more(authorizations, app) -> None:
    value = code_for(authorizations, app, "auth:user.id:read", "im:message")
    app.scopes = ["im:message"]
    assert exchange(authorizations, app, value).access.scopes == ["im:message"]


def test_refresh_token_needs_offline_access(authorizations, app) -> None:
    assert exchange(authorizations, app, code_for(authorizations, app, "im:message")).refresh is None


def test_refresh_token_works_once_and_the_old_access_token_lives_on(authorizations, app, clock) -> None:
    first = refresh_token(authorizations, app)
    second = authorizations.refresh(app, first, None)
    assert second.refresh is not None
    assert second.refresh.value != first
    assert not authorizations.refresh_tokens[first].access.revoked
    assert authorizations.refresh_tokens[first].access.expires_at > clock.now
    assert refused(lambda: authorizations.refresh(app, first, None)) == 20073
    app.replayed_refresh_code = 20064
    assert refused(lambda: authorizations.refresh(app, first, None)) == 20064
    book = authorizations.refresh_tokens[first].as_book()
    assert (book["submissions"], book["replays"], book["outcomes"]) == (3, 2, [0, 20073, 20064])
    assert first not in str(book)


def test_refresh_token_expires_is_revoked_belongs_to_one_app_and_needs_the_switch(
    authorizations, app, clock
) -> None:
    value = refresh_token(authorizations, app)
    assert refused(lambda: authorizations.refresh(app, "unknown", None)) == 20026
    assert refused(lambda: authorizations.refresh(app_config(app_id=OTHER_APP_ID), value, None)) == 20024
    app.refresh_enabled = False
    assert refused(lambda: authorizations.refresh(app, value, None)) == 20074
    app.refresh_enabled = True
    clock.now += 7 * DAY
    assert refused(lambda: authorizations.refresh(app, value, None)) == 20037
    fresh = refresh_token(authorizations, app)
    assert authorizations.revoke_token(app.app_id, fresh) == "lilei"
    assert refused(lambda: authorizations.refresh(app, fresh, None)) == 20064


def test_authorization_has_to_be_renewed_after_a_year(authorizations, app, clock) -> None:
    value = refresh_token(authorizations, app)
    for _ in range(364 // 6):
        clock.now += 6 * DAY
        refreshed = authorizations.refresh(app, value, None).refresh
        assert refreshed is not None
        value = refreshed.value
    clock.now += 5 * DAY
    assert refused(lambda: authorizations.refresh(app, value, None)) == 20037
    assert refresh_token(authorizations, app)


def test_person_who_left_or_lost_the_app_gets_nothing_and_spends_nothing(world, authorizations, app) -> None:
    value = refresh_token(authorizations, app)
    world.people["lilei"].status = "resigned"
    assert refused(lambda: authorizations.refresh(app, value, None)) == 20066
    world.people["lilei"].status = "active"
    app.available_to = ["wangfang"]
    assert refused(lambda: authorizations.refresh(app, value, None)) == 20010
    app.available_to = None
    assert authorizations.refresh(app, value, None).refresh is not None


def test_revoking_a_person_ends_all_their_tokens_and_nobody_elses(authorizations, app) -> None:
    mine = exchange(authorizations, app, code_for(authorizations, app, "offline_access"))
    authorizations.consent(app, "wangfang", ["im:message"])
    hers = authorizations.issue(app, "wangfang", None)
    assert authorizations.revoke_person(app.app_id, "lilei") == 2
    assert mine.access.revoked
    assert not hers.access.revoked


def test_device_code_waits_hurries_nobody_twice_and_ends(authorizations, app, clock) -> None:
    device = authorizations.new_device_code(app, ["im:message"])

    def poll() -> str:
        with pytest.raises(TokenError) as refusal:
            authorizations.poll_device(app, device.value)
        assert refusal.value.code is None
        return refusal.value.error

    assert poll() == "authorization_pending"
    clock.now += 1
    assert poll() == "slow_down"
    clock.now += 9
    assert poll() == "slow_down"
    clock.now += 16
    assert poll() == "authorization_pending"
    device.decision = "denied"
    clock.now += 30
    assert poll() == "access_denied"
    clock.now += 240
    assert poll() == "expired_token"
    with pytest.raises(TokenError, match="invalid"):
        authorizations.poll_device(app_config(app_id=OTHER_APP_ID), device.value)
