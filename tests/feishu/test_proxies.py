import base64

import pytest

from feishu.proxies import environment_proxy, parse_proxy, unusable_variables
from feishu.transport import Transport


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
        "http://proxy..test:3128",
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


@pytest.mark.parametrize(
    ("entry", "url", "direct"),
    [
        ("*.feishu.cn", "https://open.feishu.cn/", True),
        ("*.feishu.cn", "wss://msg-frontier.feishu.cn/ws", True),
        ("*.feishu.cn", "https://open.feishu.cn.evil.test/", False),
        ("open.feishu.cn:443", "https://open.feishu.cn/", True),
        ("open.feishu.cn:443", "wss://open.feishu.cn:443/", True),
        ("open.feishu.cn:8443", "https://open.feishu.cn/", False),
        ("open.feishu.cn:80", "https://open.feishu.cn/", False),
        ("10.0.0.0/8", "https://10.1.2.3/", True),
        ("10.0.0.0/8", "https://11.1.2.3/", False),
        ("10.1.2.3/8", "https://10.9.9.9/", True),
        ("10.*", "https://10.9.9.9/", True),
        ("192.168.*.*", "https://192.168.3.4/", True),
        (".cn", "https://open.feishu.cn/", True),
        ("feishu.cn", "https://open.feishu.cn/", True),
        (".feishu.cn", "https://feishu.cn/", True),
        ("eishu.cn", "https://feishu.cn/", False),
        ("FEISHU.CN", "https://open.feishu.cn/", True),
        ("feishu.cn", "https://OPEN.Feishu.CN./", True),
        ("a.test , *.feishu.cn ,b.test", "https://open.feishu.cn/", True),
        ("a.test feishu.cn", "https://open.feishu.cn/", True),
        ("a.test;feishu.cn", "https://open.feishu.cn/", True),
        ("*", "https://open.feishu.cn/", True),
        ("https://open.feishu.cn", "https://open.feishu.cn/", True),
        ("::1", "http://[::1]:9800/", True),
        ("[::1]", "http://[::1]:9800/", True),
        ("[::1]:9800", "http://[::1]:9800/", True),
        ("[::1]:9801", "http://[::1]:9800/", False),
        ("fd00::/8", "https://[fd12::1]/", True),
        ("0:0:0:0:0:0:0:1", "http://[::1]/", True),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]/", True),
        ("<local>", "http://portal:8000/", True),
        ("<local>", "https://open.feishu.cn/", False),
        ("公司.cn", "https://xn--55qx5d.cn/", True),
        (",", "https://open.feishu.cn/", False),
        ("10.0.0.0/99", "https://10.1.2.3/", False),
        ("*.local, 169.254/16", "http://169.254.1.2/", True),
        ("10/8", "https://10.1.2.3/", True),
        ("10.1/16", "https://10.2.2.3/", False),
        ('"localhost,.feishu.cn"', "https://open.feishu.cn/", True),
        ("'open.feishu.cn'", "https://open.feishu.cn/", True),
    ],
)
@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_no_proxy_as_people_write_it(environment, name, entry, url, direct):
    environment.setenv("ALL_PROXY", "http://127.0.0.1:3128")
    environment.setenv(name, entry)
    assert environment_proxy(url) == ("" if direct else "http://127.0.0.1:3128")


UNUSABLE = [
    "socks5://127.0.0.1:1", "socks5h://127.0.0.1:1", "socks4://127.0.0.1:1", "socks://127.0.0.1:1/",
    "https://proxy.test:3128", "ftp://proxy.test:21", "http://", "http://proxy.test:port", "http://ops:hush@proxy.test:99999",
    "http://[::1:1", "::::", "gibberish with blanks",
]  # fmt: skip


@pytest.mark.parametrize("value", UNUSABLE)
@pytest.mark.parametrize("name", ["ALL_PROXY", "all_proxy", "https_proxy", "HTTPS_PROXY"])
def test_proxy_that_cannot_be_used_is_ignored_and_reported(environment, name, value):
    environment.setenv(name, value)
    assert environment_proxy("https://open.test/") == ""
    [variable] = unusable_variables()
    assert variable.name == name
    assert "hush" not in variable.cause
    Transport().close()


def test_usable_proxy_beside_an_unusable_one_is_used(environment):
    environment.setenv("all_proxy", "socks://127.0.0.1:1/")
    environment.setenv("https_proxy", "http://127.0.0.1:3128")
    assert environment_proxy("https://open.test/") == "http://127.0.0.1:3128"
    assert environment_proxy("http://open.test/") == ""


def test_small_letters_win_even_where_they_are_empty(environment):
    environment.setenv("HTTPS_PROXY", "http://proxy.test:1")
    environment.setenv("https_proxy", "")
    assert environment_proxy("https://open.test/") == ""


def test_proxy_without_a_port_listens_where_its_scheme_says(environment):
    environment.setenv("HTTPS_PROXY", "http://ops:p%40ss@proxy.test/")
    assert environment_proxy("https://open.test/") == "http://ops:p%40ss@proxy.test:80"
