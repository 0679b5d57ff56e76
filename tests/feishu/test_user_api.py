import pytest

from feishu.user_api import UserAPI


def test_call_carries_the_persons_token(platform, transport, credentials) -> None:
    platform.will_say({"code": 0, "data": {"items": []}})

    answer = UserAPI(credentials, "u-token", transport)(
        "GET", "/open-apis/task/v2/tasks", params={"page_size": 5}
    )

    assert answer.data == {"items": []}
    [request] = platform.requests
    assert request.headers["authorization"] == "Bearer u-token"
    assert str(request.url) == f"{credentials.platform.open_url}/open-apis/task/v2/tasks?page_size=5"


@pytest.mark.parametrize("path", ["open-apis/x", "@evil.test/x", ".evil.test/open-apis/x", ""])
def test_path_that_could_name_another_host_is_refused(path, platform, transport, credentials) -> None:
    with pytest.raises(ValueError, match="not an absolute path"):
        UserAPI(credentials, "u-token", transport)("GET", path)

    assert platform.requests == []


def test_token_is_not_part_of_what_is_printed(credentials) -> None:
    assert "u-token" not in repr(UserAPI(credentials, "u-token"))
