from feishu.api_list import apis


def test_list_has_method_path_and_tokens():
    by_name = {str(api): api for api in apis()}
    assert len(by_name) == len(apis()) > 1500
    assert by_name["GET /open-apis/search/v1/user"].tokens == {"user"}
    assert by_name["POST /open-apis/im/v1/messages"].tokens == {"tenant", "user"}
