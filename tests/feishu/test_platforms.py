import pytest

from feishu.credentials import AppCredentials
from feishu.platforms import FEISHU, LARK, Platform


def test_feishu_has_its_hosts():
    assert FEISHU.token_url == "https://accounts.feishu.cn/oauth/v3/token"
    assert FEISHU.authorize_url == "https://accounts.feishu.cn/open-apis/authen/v1/authorize"
    assert FEISHU.revoke_url == "https://accounts.feishu.cn/oauth/v1/revoke"
    assert FEISHU.device_authorization_url == "https://accounts.feishu.cn/oauth/v1/device_authorization"
    older = Platform(FEISHU.open_url, FEISHU.accounts_url, "v2")
    assert (
        older.device_authorization_url
        == "https://open.feishu.cn/open-apis/authen/v2/oauth/device_authorization"
    )
    assert FEISHU.discovery_url == "https://open.feishu.cn/callback/ws/endpoint"


def test_lark_has_its_own():
    assert LARK.token_url == "https://accounts.larksuite.com/oauth/v3/token"
    assert LARK.discovery_url == "https://open.larksuite.com/callback/ws/endpoint"


def test_the_older_token_endpoint_is_on_the_open_host():
    platform = Platform("https://open.example.test", "https://accounts.example.test", "v2")
    assert platform.token_url == "https://open.example.test/open-apis/authen/v2/oauth/token"


def test_one_host_may_serve_both_and_trailing_slashes_do_not_matter():
    platform = Platform("http://127.0.0.1:9800/", "http://127.0.0.1:9800/")
    assert platform == Platform("http://127.0.0.1:9800", "http://127.0.0.1:9800")
    assert platform.discovery_url == "http://127.0.0.1:9800/callback/ws/endpoint"


def test_scheme_is_read_in_small_letters_and_a_path_as_it_is():
    platform = Platform("HTTPS://open.test/A/", "Http://accounts.test")
    assert (platform.open_url, platform.accounts_url) == ("https://open.test/A", "http://accounts.test")


@pytest.mark.parametrize(
    "url", ["", "open.feishu.cn", "ftp://open.feishu.cn", "https://", "https://h/?a=1", "https://h/#x"]
)
def test_what_is_no_base_url_is_refused(url):
    with pytest.raises(ValueError, match="not a base URL"):
        Platform(url, "https://accounts.feishu.cn")


def test_credentials_do_not_show_their_secret():
    assert "s3cr3t" not in repr(AppCredentials("cli_a", "s3cr3t", FEISHU))


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("http://gateway.test/feishu/verify?code=A", "https://accounts.example.test/verify?code=A"),
        ("http://gateway.test/feishu", "https://accounts.example.test"),
        ("http://gateway.test/feishu?code=A", "https://accounts.example.test?code=A"),
        ("http://gateway.test/open/verify", "https://accounts.example.test/verify"),
        ("http://gateway.test/feishu-other/verify", "http://gateway.test/feishu-other/verify"),
        ("https://accounts.feishu.cn/verify", "https://accounts.feishu.cn/verify"),
    ],
)
def test_link_below_the_gateway_is_shown_where_browsers_reach_it(link, shown):
    through = ("http://gateway.test/open/", "http://gateway.test/feishu/", "v3")
    assert Platform(*through, "https://accounts.example.test/").for_browsers(link) == shown
    assert Platform(*through).for_browsers(link) == link
