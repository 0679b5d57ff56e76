import pytest

from core.access.path_rules import allows, may_allow, parse_rule


def allowed(rule: str, method: str, path: str) -> bool:
    return allows([rule], method, path.split("/")[1:])


@pytest.mark.parametrize(
    ("rule", "method", "path", "expected"),
    [
        ("GET /open-apis/im/v1/chats", "GET", "/open-apis/im/v1/chats", True),
        ("GET /open-apis/im/v1/chats", "POST", "/open-apis/im/v1/chats", False),
        ("GET /open-apis/im/v1/chats", "HEAD", "/open-apis/im/v1/chats", False),
        ("GET /open-apis/im/v1/chats", "GET", "/open-apis/im/v1/chats/oc_1", False),
        ("* /open-apis/im/v1/chats/*", "PATCH", "/open-apis/im/v1/chats/oc_1", True),
        ("* /open-apis/im/v1/chats/*", "GET", "/open-apis/im/v1/chats", False),
        ("* /open-apis/im/*/chats", "GET", "/open-apis/im/v2/chats", True),
        ("* /open-apis/im/**", "GET", "/open-apis/im/v1/chats/oc_1/members", True),
        ("* /open-apis/im/**", "GET", "/open-apis/im", False),
        ("* /open-apis/im/**", "GET", "/open-apis/imx/v1", False),
        ("* /open-apis/**", "DELETE", "/open-apis/anything", True),
        ("GET /open-apis/im/v1/*", "GET", "/open-apis/im/v1/a*b", True),
        ("GET /open-apis/im/v1/a*b", "GET", "/open-apis/im/v1/axb", False),
    ],
)
def test_rule_allows_what_it_names(rule, method, path, expected):
    assert allowed(rule, method, path) is expected


def test_no_rules_allow_every_call():
    assert allows([], "DELETE", ["open-apis", "x"])


def test_one_rule_of_several_is_enough():
    rules = ["GET /open-apis/a/b", "POST /open-apis/c/d"]
    assert allows(rules, "POST", ["open-apis", "c", "d"])


@pytest.mark.parametrize(
    "text",
    [
        "", "GET", "/open-apis/im/v1", "get /open-apis/im/v1", "TRACE /open-apis/im/v1", "GET /oauth/v3/token",
        "GET /open-apis", "GET /open-apis/", "GET /open-apis/im//v1", "GET /open-apis/**/v1", "GET /open-apis/im/",
        "GET /open-apis/../x", "GET /open-apis/im?x=1", "GET /open-apis/im%2f", "GET  /open-apis/im", "GET /open-apis/a b",
    ],
)  # fmt: skip
def test_text_that_is_no_rule_is_refused(text):
    with pytest.raises(ValueError):
        parse_rule(text)


@pytest.mark.parametrize(
    ("rules", "may"),
    [
        ([], True),
        (["GET /open-apis/docx/v1/documents/*/raw_content"], True),
        (["GET /open-apis/docx/v1/documents/dox1/raw_content"], True),
        (["GET /open-apis/docx/**"], True),
        (["POST /open-apis/docx/**"], False),
        (["GET /open-apis/docx/v1/documents/dox1"], False),
        (["GET /open-apis/wiki/**", "* /open-apis/docx/v1/documents/*/raw_content"], True),
    ],
)
def test_call_of_which_a_part_is_not_known_yet_may_be_allowed(rules, may):
    assert may_allow(rules, "GET", ["open-apis", "docx", "v1", "documents", None, "raw_content"]) is may
