import uuid

import pytest

from bots import metrics
from core.metrics.labels import BoundedLabels
from feishu.observation import PlatformCall
from tests.core.metrics.scraping import series, value

pytestmark = pytest.mark.usefixtures("own_series")


def test_bots_beyond_the_bound_share_a_name(monkeypatch):
    monkeypatch.setattr(metrics, "MAX_BOTS", 2)
    ids = [uuid.uuid4() for _ in range(3)]
    assert [metrics.name_bot(bot_id, f"cli_{i}") for i, bot_id in enumerate(ids)] == [
        "cli_0",
        "cli_1",
        "other",
    ]
    assert [metrics.bot_label(bot_id) for bot_id in ids] == ["cli_0", "cli_1", "other"]
    assert metrics.name_bot(ids[0], "cli_new") == "cli_new"


def test_calls_to_the_platform_are_counted_in_few_series(monkeypatch):
    monkeypatch.setattr(metrics, "_series", BoundedLabels(100))
    before = series("feishu_openapi_requests_total").keys()
    for number in range(1_000):
        metrics.count_call(PlatformCall(f"cli_odd_{number}", "odd/v1/odd", 0.1, code=number))
    assert len(series("feishu_openapi_requests_total").keys() - before) <= 101


def test_rate_limit_is_counted_with_what_the_platform_allows():
    call = PlatformCall("cli_limited", "im/v1/messages", 0.1, code=99991400, is_rate_limited=True, limit=50)
    metrics.count_call(call)
    assert value("feishu_openapi_requests_total", "im/v1/messages", "cli_limited", "99991400") == 1
    assert value("feishu_openapi_rate_limited_total", "im/v1/messages", "cli_limited") == 1
    assert value("feishu_openapi_rate_limit", "im/v1/messages", "cli_limited") == 50


def test_ways_to_take_a_connection_are_there_before_the_first_is_taken():
    assert series("feishu_lease_takeovers_total").keys() == {("free",), ("lapsed",), ("moved",)}
