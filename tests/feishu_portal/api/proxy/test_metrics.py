import pytest

from auth_sessions.models import TokenUse
from feishu_portal.api.proxy.metrics import count_proxied
from tests.core.metrics.scraping import series, value

pytestmark = pytest.mark.usefixtures("own_series")

PATH = "open-apis/task/v2/tasks"


@pytest.mark.parametrize(
    ("use", "status", "code"),
    [
        (TokenUse(status=200, code=0, seconds=0.1), "2xx", "0"),
        (TokenUse(status=200, seconds=0.1), "2xx", "0"),
        (TokenUse(status=400, code=99991400, seconds=0.1), "4xx", "99991400"),
        (TokenUse(status=502, seconds=0.1), "5xx", "http_502"),
        (TokenUse(reason="timeout", seconds=0.1), "none", "timeout"),
    ],
)
def test_call_is_counted_by_how_it_ended(use, status, code):
    proxied = ("cli_proxied", "app", status)
    before = value("feishu_proxied_calls_total", *proxied)
    calls = value("feishu_openapi_requests_total", "task/v2/tasks", "cli_proxied", code)
    count_proxied(use, app_id="cli_proxied", path=PATH, was_sent=True)
    assert value("feishu_proxied_calls_total", *proxied) == before + 1
    assert value("feishu_openapi_requests_total", "task/v2/tasks", "cli_proxied", code) == calls + 1


def test_call_that_was_held_back_is_none_of_the_platforms():
    before = series("feishu_openapi_requests_total")
    count_proxied(
        TokenUse(status=429, open_id="ou_1"),
        app_id="cli_held",
        path=PATH,
        was_sent=False,
        is_rate_limited=True,
    )
    assert value("feishu_proxied_calls_total", "cli_held", "user", "4xx") == 1
    assert series("feishu_openapi_requests_total") == before


def test_rate_limit_is_counted_with_what_the_platform_allows():
    use = TokenUse(status=400, code=99991400, seconds=0.1)
    count_proxied(use, app_id="cli_limit", path=PATH, was_sent=True, is_rate_limited=True, limit=100)
    assert value("feishu_openapi_rate_limited_total", "task/v2/tasks", "cli_limit") == 1
    assert value("feishu_openapi_rate_limit", "task/v2/tasks", "cli_limit") == 100
