import socket
import ssl

import httpx2
import pytest

from feishu.diagnosis import proxy_refusal, reason_of
from feishu.reasons import Reason


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "direct", "proxied"),
    [
        (caused(httpx2.ConnectError("x"), socket.gaierror(-2, "x")), Reason.DNS, Reason.PROXY_UNREACHABLE),
        (caused(httpx2.ConnectError("x"), ssl.SSLCertVerificationError()), Reason.TLS, Reason.TLS),
        (httpx2.ConnectError("x"), Reason.UNREACHABLE, Reason.PROXY_UNREACHABLE),
        (httpx2.ConnectTimeout("x"), Reason.TIMEOUT, Reason.PROXY_TIMEOUT),
        (httpx2.ReadTimeout("x"), Reason.TIMEOUT, Reason.PROXY_TIMEOUT),
        (TimeoutError(), Reason.TIMEOUT, Reason.PROXY_TIMEOUT),
        (httpx2.ReadError("x"), Reason.BROKEN, Reason.BROKEN),
        (httpx2.ProxyError("407 Proxy Authentication Required"), Reason.PROXY_REFUSED, Reason.PROXY_REFUSED),
        (httpx2.ProxyError("403 Forbidden"), Reason.PROXY_FORBIDS, Reason.PROXY_FORBIDS),
        (httpx2.ProxyError("502 Bad Gateway"), Reason.PROXY_FAILED, Reason.PROXY_FAILED),
        (httpx2.ProxyError("strange"), Reason.PROXY_FAILED, Reason.PROXY_FAILED),
    ],
)
def test_what_was_raised_shows_why_nothing_came_back(error, direct, proxied):
    assert reason_of(error, proxied=False) is direct
    assert reason_of(error, proxied=True) is proxied


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, Reason.PROXY_FORBIDS),
        (403, Reason.PROXY_FORBIDS),
        (407, Reason.PROXY_REFUSED),
        (502, Reason.PROXY_FAILED),
        (0, Reason.PROXY_FAILED),
    ],
)
def test_answer_of_a_proxy_tells_whether_it_refuses(status: int, reason: Reason):
    assert proxy_refusal(status) is reason


def test_errors_that_cause_each_other_come_to_an_end():
    one, another = ValueError(), ValueError()
    one.__cause__, another.__cause__ = another, one
    assert reason_of(one, proxied=False) is Reason.BROKEN
