import base64

import pytest

from feishu.proxies import environment_proxy, parse_proxy


@pytest.fixture
def environment(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def test_a_proxy_is_read_with_its_percent_encoded_password():
    proxy = parse_proxy("http://ops:p%40ss%2Fword@proxy.test:3128")
    assert (proxy.host, proxy.port, proxy.username, proxy.password) == (
        "proxy.test",
        3128,
        "ops",
        "p@ss/word",
    )
    assert proxy.authorization == "Basic " + base64.b64encode(b"ops:p@ss/word").decode()


def test_a_proxy_without_a_user_needs_no_authorization():
    assert parse_proxy("http://[::1]:3128/").authorization == ""


def test_neither_address_nor_repr_tells_the_password():
    proxy = parse_proxy("http://ops:hush@[::1]:3128")
    assert proxy.address == "http://[::1]:3128"
    assert "hush" not in repr(proxy)


@pytest.mark.parametrize(
    "url",
    [
        "proxy.test:3128",
        "http://proxy.test",
        "https://proxy.test:3128",
        "socks5://proxy.test:1080",
        "http://:3128",
        "http://proxy.test:99999",
        "http://proxy.test:3128/path",
        "http://proxy.test:3128?x=1",
        "http://:hush@proxy.test:3128",
        "http://ops:hu sh@proxy.test:3128",
        "http://ops:hush@proxy.test:3128\r\nX: y",
        "http://[::1:3128",
    ],
)
def test_what_is_no_proxy_is_refused_without_repeating_it(url):
    with pytest.raises(ValueError) as refusal:
        parse_proxy(url)
    assert "hush" not in str(refusal.value)
    assert "proxy.test" not in str(refusal.value)


def test_the_environment_names_a_proxy_by_scheme(environment):
    environment.setenv("HTTPS_PROXY", "http://secure.test:1")
    environment.setenv("HTTP_PROXY", "plain.test:2")
    assert environment_proxy("https://open.test/x") == "http://secure.test:1"
    assert environment_proxy("wss://open.test/x") == "http://secure.test:1"
    assert environment_proxy("ws://open.test/x") == "http://plain.test:2"


def test_the_environment_may_except_a_host(environment):
    environment.setenv("ALL_PROXY", "http://any.test:1")
    environment.setenv("NO_PROXY", "localhost,.inside.test")
    assert environment_proxy("https://open.test/") == "http://any.test:1"
    assert environment_proxy("wss://gateway.inside.test:8443/") == ""


def test_an_empty_environment_names_none(environment):
    assert environment_proxy("https://open.test/") == ""
    assert environment_proxy("no address") == ""
