"""An app's credentials carry the way of its requests."""

from feishu.credentials import AppCredentials
from feishu.networks import Networks
from feishu.outgoing import Route
from feishu.platforms import FEISHU


def test_route_has_the_proxy_and_both_rules():
    public, private = Networks.parse(["public"]), Networks.parse(["private"])
    app = AppCredentials("cli_1", "s", FEISHU, "http://ops:hush@proxy.test:1", public, private)
    assert app.route == Route("http://ops:hush@proxy.test:1", public, private)
    assert "hush" not in repr(app)
    assert AppCredentials("cli_1", "s", FEISHU).route.networks is None
