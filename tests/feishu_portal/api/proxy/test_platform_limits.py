"""Rate limits of the platform, as the proxy keeps them."""

import pytest

from feishu_portal.api.proxy import platform_limits
from feishu_portal.api.proxy.platform_limits import LONGEST, RateLimits, limit_keys
from feishu_portal.api.proxy.target import Target


def target(path: str, *, method: str = "GET", app_id: str = "cli_1") -> Target:
    return Target(app_id, "", method, tuple(path.split("/")), "")


def test_ids_in_the_path_do_not_tell_apis_apart() -> None:
    tasks = limit_keys(target("open-apis/task/v2/tasks/e297ddff-06ca"), "").api
    assert tasks == limit_keys(target("open-apis/task/v2/tasks/0a1b2c3d4e"), "").api


@pytest.mark.parametrize(
    "other",
    [
        limit_keys(target("open-apis/task/v2/lists"), "").api,
        limit_keys(target("open-apis/task/v2/tasks", method="POST"), "").api,
        limit_keys(target("open-apis/task/v2/tasks", app_id="cli_2"), "").api,
        limit_keys(target("open-apis/task/v2/tasks"), "another tenant").api,
    ],
)
def test_limit_is_that_of_one_api_of_one_app_and_tenant(other) -> None:
    limits, own = RateLimits(), limit_keys(target("open-apis/task/v2/tasks"), "").api
    limits.reached(own, 5)
    assert 0 < limits.seconds_left(own) <= 5
    assert limits.seconds_left(other) == 0


def test_limit_opens_again_and_at_the_latest_after_a_minute(monkeypatch) -> None:
    now = [100.0]
    monkeypatch.setattr(platform_limits.time, "monotonic", lambda: now[0])
    limits, key = RateLimits(), limit_keys(target("open-apis/task/v2/tasks"), "").api
    limits.reached(key, 3600)
    assert limits.seconds_left(key) == LONGEST
    now[0] += LONGEST
    assert limits.seconds_left(key) == 0


def test_number_of_limits_is_bounded_and_open_ones_make_room(monkeypatch) -> None:
    now = [100.0]
    monkeypatch.setattr(platform_limits.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(platform_limits, "MAX_LIMITS", 2)
    limits = RateLimits()
    keys = [limit_keys(target(f"open-apis/{name}"), "").api for name in ("a", "b", "c")]
    limits.reached(keys[0], 1)
    limits.reached(keys[1], 10)
    limits.reached(keys[2], 10)
    assert [limits.seconds_left(key) for key in keys] == [1, 10, 0]
    now[0] += 2
    limits.reached(keys[2], 10)
    assert [limits.seconds_left(key) for key in keys] == [0, 8, 10]


def test_limit_of_one_message_is_not_that_of_its_api():
    one = limit_keys(target("open-apis/im/v1/messages/om_12345678/reply"), "")
    other = limit_keys(target("open-apis/im/v1/messages/om_87654321/reply"), "")
    assert one.api == other.api
    assert one.path != other.path
    everywhere = limit_keys(target("open-apis/im/v1/messages", method="POST"), "")
    assert everywhere.path == everywhere.api
