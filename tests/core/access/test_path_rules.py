import pytest

from core.access.call_contents import CallContents, read_contents
from core.access.path_rules import Effect, asks, judge, may_allow, opens_nothing, parse_rule

SEND = "/open-apis/im/v1/messages"
NOTHING = CallContents()


def judged(
    rules: list[str], method: str, path: str, contents: CallContents | None = NOTHING
) -> Effect | None:
    return judge(rules, method, path.split("/")[1:], contents).effect


def allowed(rule: str, method: str, path: str) -> bool:
    return judged([rule], method, path) is Effect.ALLOW


def naming(body: bytes, query: str = "") -> CallContents:
    return read_contents(query, body, content_type="application/json")


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
    assert judged([], "DELETE", "/open-apis/x") is Effect.ALLOW


def test_one_rule_of_several_is_enough():
    rules = ["GET /open-apis/a/b", "POST /open-apis/c/d"]
    assert judged(rules, "POST", "/open-apis/c/d") is Effect.ALLOW
    assert judged(rules, "POST", "/open-apis/c/e") is Effect.DENY


def test_first_rule_that_fits_decides_and_is_named():
    rules = ["deny DELETE /open-apis/task/**", "allow * /open-apis/task/v2/tasks", "ask * /open-apis/**"]
    assert judged(rules, "DELETE", "/open-apis/task/v2/tasks") is Effect.DENY
    assert judged(rules, "POST", "/open-apis/task/v2/tasks") is Effect.ALLOW
    verdict = judge(rules, "POST", ["open-apis", "im", "v1", "chats"])
    assert (verdict.effect, verdict.rule) == (Effect.ASK, "ask * /open-apis/**")


def test_contents_are_read_only_where_a_rule_names_a_resource():
    rules = ["GET /open-apis/**", f"ask POST {SEND} receive_id=oc_1"]
    assert judged(rules, "GET", SEND, None) is Effect.ALLOW
    assert judged(rules, "POST", "/open-apis/task/v2/tasks", None) is Effect.DENY
    assert judged(rules, "POST", SEND, None) is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"receive_id": "oc_team"}', Effect.ALLOW),
        (b'{"receive_id": "oc_other"}', Effect.ASK),
        (b'{"text": "oc_team"}', Effect.ASK),
        (b'{"receive_id": "oc_team", "Receive_ID": "oc_other"}', Effect.ASK),
        (b'{"receive_id": "oc_other", "receive_id": "oc_team"}', Effect.ASK),
        (b'{"receive_id": "oc_team", "more": [{"receive_id": "oc_other"}]}', Effect.ASK),
        (b'{"receive_id": " oc_team"}', Effect.ASK),
        (rb'{"chat": "oc_other", "content": "{\"receive_id\": \"oc_team\"}"}', Effect.ASK),
        (rb'{"receive_id": "oc_team", "content": "{\"receive_id\": \"oc_other\"}"}', Effect.ASK),
        (rb'{"receive_id": "oc_team", "content": "{\"text\": \"hello\"}"}', Effect.ALLOW),
        (rb'{"receive_id": "oc_team", "content": "{\"receive_id\": \"oc_other\"} x"}', Effect.ASK),
        (rb'{"receive_id": "oc_team", "content": "[TODO] write it"}', Effect.ALLOW),
        (b'{"receive_id": "oc_team"', Effect.ASK),
        (b"", Effect.ASK),
    ],
)
def test_rule_that_allows_a_resource_allows_no_call_that_may_be_for_another(body, expected):
    rules = [f"allow POST {SEND} receive_id=oc_team", f"ask POST {SEND}"]
    assert judged(rules, "POST", SEND, naming(body)) is expected


@pytest.mark.parametrize("rule", [f"deny * {SEND} oc_board", f"deny * {SEND} receive_id=oc_board"])
@pytest.mark.parametrize(
    ("contents", "is_denied"),
    [
        (naming(b'{"receive_id": "oc_board"}'), True),
        (naming(b'{"receive_id": "oc_other", "RECEIVE_ID": "oc_board"}'), True),
        (naming(b"", "receive_id=oc%5Fboard"), True),
        (naming(b'{"receive_id": "https://example.feishu.cn/oc_board"}'), True),
        (naming(rb'{"content": "{\"receive_id\": \"\\u006fc_board\"}"}'), True),
        (naming(rb'{"content": "{\"receive_id\": \"oc_board\"} x"}'), True),
        (naming(rb'{"content": "{\"receive_id\": \"\\u006fc_board\",}"}'), True),
        (naming(rb'{"content": "{\"receive_id\": \"\\u006fc_board\", \"x\": \"\\ud800\"}"}'), True),
        (naming(b"{"), True),
        (read_contents("", b"receive_id=oc_other", content_type="application/x-www-form-urlencoded"), True),
        (read_contents("", b'{"receive_id": "x"}', content_type="application/json", encoding="gzip"), True),
        (naming(b'{"receive_id": "oc_other"}'), False),
    ],
)
def test_call_that_may_name_a_closed_resource_is_refused(rule, contents, is_denied):
    assert judged([rule, "* /open-apis/**"], "POST", SEND, contents) is (
        Effect.DENY if is_denied else Effect.ALLOW
    )


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/open-apis/docx/v1/documents/dox1/blocks", b""),
        ("/open-apis/im/v1/messages", b'{"content": "{\\"file_key\\": \\"dox1\\"}"}'),
        ("/open-apis/im/v1/messages", b'{"dox1": {}}'),
        ("/open-apis/im/v1/messages", b'{"dox1": {"a": 1}}'),
    ],
)
def test_resource_without_a_field_may_stand_anywhere(path, body):
    assert judged(["deny * /open-apis/** dox1", "* /open-apis/**"], "POST", path, naming(body)) is Effect.DENY


def test_rules_that_ask_or_open_nothing_are_told_apart():
    assert asks(["GET /open-apis/**", "ask POST /open-apis/**"])
    assert not asks(["GET /open-apis/**"])
    assert opens_nothing(["deny GET /open-apis/**"])
    assert not opens_nothing([])
    assert not opens_nothing(["deny GET /open-apis/x", "ask GET /open-apis/y"])


@pytest.mark.parametrize(
    "text",
    [
        "", "GET", "/open-apis/im/v1", "get /open-apis/im/v1", "TRACE /open-apis/im/v1", "GET /oauth/v3/token",
        "GET /open-apis", "GET /open-apis/", "GET /open-apis/im//v1", "GET /open-apis/**/v1", "GET /open-apis/im/",
        "GET /open-apis/../x", "GET /open-apis/im?x=1", "GET /open-apis/im%2f", "GET  /open-apis/im",
        "permit GET /open-apis/im", "ASK GET /open-apis/im", "ask  GET /open-apis/im", "ask /open-apis/im", "GET /open-apis/a b",
        "allow POST /open-apis/im/v1/messages oc_1", "ask GET /open-apis/im a=b=c", "ask GET /open-apis/im a= ",
        "ask GET /open-apis/im oc_1 oc_2", f"ask GET /open-apis/im {'x' * 201}",
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
        (["ask GET /open-apis/docx/**"], True),
        (["deny GET /open-apis/docx/**", "GET /open-apis/**"], False),
        (["deny GET /open-apis/docx/v1/documents/dox1/**", "GET /open-apis/**"], True),
        (["deny GET /open-apis/docx/** dox1", "GET /open-apis/**"], True),
        (["deny GET /open-apis/docx/**"], False),
        (["GET /open-apis/wiki/**", "* /open-apis/docx/v1/documents/*/raw_content"], True),
    ],
)
def test_call_of_which_a_part_is_not_known_yet_may_be_allowed(rules, may):
    assert may_allow(rules, "GET", ["open-apis", "docx", "v1", "documents", None, "raw_content"]) is may


@pytest.mark.parametrize(
    "path", ["/open-apis/IM/v1/messages", "/open-apis/im/V1/Messages", "/open-apis/\uff49m/v1/messages"]
)
def test_path_in_another_case_is_let_through_by_no_rule_that_asks_or_denies(path):
    rules = [f"deny POST {SEND}", "* /open-apis/**"]
    assert judged(rules, "POST", path) is Effect.DENY
    assert judged([f"ask POST {SEND}", "* /open-apis/**"], "POST", path) is Effect.ASK
    assert judged([f"allow POST {SEND}"], "POST", path) is Effect.DENY
