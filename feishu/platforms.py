"""Where the platform lives: Feishu in China, Lark elsewhere, or any stand-in with the same paths.

Hosts and paths as in the pages "Obtain OAuth code" and "Get user_access_token", and in the official SDK
(`lark_oapi/core/const.py`, `lark_oapi/ws/const.py`).
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

TokenEndpoint: TypeAlias = Literal["v3", "v2", "v1"]


@dataclass(frozen=True, slots=True)
class Platform:
    """The base URLs of a brand and the version of its token endpoint.

    An app belongs to exactly one brand; the other brand's hosts refuse it.
    Raises ValueError for a base URL that is not http(s) or carries a query.
    """

    open_url: str
    accounts_url: str
    token_endpoint: TokenEndpoint = "v3"  # noqa: S105 - a version
    browser_url: str = ""
    """The accounts address as browsers reach it, where it is another one than this host's, which may have to go through a
    gateway; empty: the same."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "open_url", _base_url(self.open_url))
        object.__setattr__(self, "accounts_url", _base_url(self.accounts_url))
        if self.browser_url:
            object.__setattr__(self, "browser_url", _base_url(self.browser_url))

    @property
    def token_url(self) -> str:
        """v3 is what the documentation recommends; v2 is deprecated, yet works where v3 does not. With v1 codes and refresh
        tokens go elsewhere, and what v1 does not know goes to v3."""
        if self.token_endpoint == "v2":  # noqa: S105 - a version
            return f"{self.open_url}/open-apis/authen/v2/oauth/token"
        return f"{self.accounts_url}/oauth/v3/token"

    def for_browsers(self, link: str) -> str:
        """A link of the platform's as browsers reach it: one below an address of this host's own gateway leads nowhere
        there."""
        for own in (self.accounts_url, self.open_url):
            if self.browser_url and (link == own or link.startswith((f"{own}/", f"{own}?"))):
                return self.browser_url + link.removeprefix(own)
        return link

    @property
    def authorize_url(self) -> str:
        """The page on which a person consents; opened in a browser, never called."""
        return f"{self.browser_url or self.accounts_url}/open-apis/authen/v1/authorize"

    @property
    def revoke_url(self) -> str:
        return f"{self.accounts_url}/oauth/v1/revoke"

    @property
    def device_authorization_url(self) -> str:
        """No page documents it: v1 is what the official command line tool calls, v2 what the official SDK does
        (`lark_oapi/channel/auth/device_flow.py`), each with the token endpoint of the same age."""
        if self.token_endpoint == "v2":  # noqa: S105 - a version
            return f"{self.open_url}/open-apis/authen/v2/oauth/device_authorization"
        return f"{self.accounts_url}/oauth/v1/device_authorization"

    @property
    def discovery_url(self) -> str:
        """Where a long connection asks for the address of its gateway."""
        return f"{self.open_url}/callback/ws/endpoint"


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
        raise ValueError(f"not a base URL: {url!r}")
    return (parts.scheme + url[len(parts.scheme) :]).rstrip(
        "/"
    )  # the scheme in small letters, as others ask for it


FEISHU = Platform("https://open.feishu.cn", "https://accounts.feishu.cn")
LARK = Platform("https://open.larksuite.com", "https://accounts.larksuite.com")
