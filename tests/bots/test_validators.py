import pytest
from django.core.exceptions import ValidationError

from bots.validators import validate_address, validate_scopes


@pytest.mark.parametrize(
    "address",
    ["https://open.feishu.cn", "http://sandbox:9800", "http://127.0.0.1:9800/", "http://[::1]:9800/platform"],
)
def test_address_of_a_platform_is_taken(address):
    validate_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "open.feishu.cn",
        "ftp://open.feishu.cn",
        "https://",
        "https://a:b@host",
        "https://:b@host",
        "http://host:0",
        "https://host/?q",
        "http://h:99999",
        "http://[::1",
        "https://open..feishu.cn",
        f"https://{'a' * 64}.cn",
        "https://open feishu.cn",
        "https://open.feishu.cn/\u200b",
    ],
)
def test_anything_else_is_refused(address):
    with pytest.raises(ValidationError):
        validate_address(address)


def test_bot_asks_for_names_of_scopes_alone():
    validate_scopes(["offline_access", "im:message.p2p_msg:readonly"])
    for wrong in (["a b"], ["x`[y](https://evil.test)`"], [f"a:{number}" for number in range(51)]):
        with pytest.raises(ValidationError):
            validate_scopes(wrong)
