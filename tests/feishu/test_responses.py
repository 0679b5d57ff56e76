import pytest
from hypothesis import given
from hypothesis import strategies as st

from feishu.errors import (
    APIError,
    FeishuError,
    InvalidToken,
    MalformedAnswer,
    MissingScope,
    OAuthError,
    RateLimited,
)
from feishu.reasons import Reason
from feishu.responses import read_answer

LOG = {"x-tt-logid": "20260101ABC"}


def refusal(status: int, content: bytes, headers: dict[str, str] | None = None) -> FeishuError:
    with pytest.raises(FeishuError) as caught:
        read_answer(status, {**LOG, **(headers or {})}, content)
    assert caught.value.log_id == "20260101ABC"
    assert caught.value.http_status == status
    return caught.value


def test_code_0_is_a_success():
    answer = read_answer(200, LOG, b'{"code":0,"msg":"ok","data":{"a":1}}')
    assert (answer.status, answer.body["msg"], answer.data, answer.log_id) == (
        200,
        "ok",
        {"a": 1},
        "20260101ABC",
    )


def test_an_answer_without_data_has_none():
    assert read_answer(200, {}, b'{"code":0,"bot":{}}').data == {}


def test_an_answer_does_not_show_its_content():
    assert "s3cr3t" not in repr(read_answer(200, {}, b'{"code":0,"tenant_access_token":"s3cr3t"}'))


@pytest.mark.parametrize("content", [b"", b"  \n", b"{}", b'{"verification_uri":"u"}'])
def test_a_success_needs_no_code(content):
    assert read_answer(200, {}, content).status == 200


@pytest.mark.parametrize("status", [200, 400, 500])
def test_the_code_decides_whatever_the_status(status):
    error = refusal(status, b'{"code":230001,"msg":"invalid"}')
    assert type(error) is APIError
    assert (error.code, error.message) == (230001, "invalid")


def test_a_failure_without_code_is_one_by_its_status():
    error = refusal(404, b'{"message":"not here"}')
    assert type(error) is APIError
    assert (error.code, error.message) == (None, "not here")


@pytest.mark.parametrize("content", [b"<html>", b"[]", b"null", b"{", b"\xff", b"[" * 100_000])
@pytest.mark.parametrize("status", [200, 302, 502])
def test_what_is_no_json_object_is_malformed(status, content):
    assert type(refusal(status, content)) is MalformedAnswer


@pytest.mark.parametrize(
    ("status", "headers", "content", "reason", "words"),
    [
        (
            502,
            {"content-type": "text/html"},
            b"<html>",
            Reason.HTTP,
            "HTTP 502 without a JSON object (text/html)",
        ),
        (
            200,
            {"content-type": "text/html; charset=gbk"},
            b"<html>",
            Reason.MALFORMED,
            "text/html; charset=gbk",
        ),
        (
            302,
            {"location": "https://login.test/a?ticket=s3cr3t"},
            b"",
            Reason.REDIRECTED,
            "redirected to login.test)",
        ),
        (
            307,
            {"location": "/here"},
            b'{"message":"moved"}',
            Reason.REDIRECTED,
            "redirected to the same host)",
        ),
        (301, {"location": "http://[broken"}, b"{}", Reason.REDIRECTED, "an address that is none"),
    ],
)
def test_what_answered_in_the_platforms_place_is_described(status, headers, content, reason, words):
    error = refusal(status, content, headers)
    assert isinstance(error, MalformedAnswer)
    assert (error.reason, error.http_status) == (reason, status)
    assert words in str(error)
    assert "s3cr3t" not in str(error)


@pytest.mark.parametrize(
    ("kind", "charset"),
    [
        ("text/html; charset=GBK", "gbk"),
        ("text/html", "gbk"),
        ("text/html", "utf-8"),
        ('text/html; charset="no-such"', "utf-8"),
    ],
)
def test_page_in_any_charset_can_be_read(kind, charset):
    error = refusal(502, "<html>网关错误".encode(charset), {"content-type": kind})
    assert error.excerpt == "<html>网关错误"


@pytest.mark.parametrize(
    ("kind", "charset"),
    [
        ("application/json; charset=GBK", "gbk"),
        ("application/json", "gbk"),
        ("application/json;charset=utf-8", "gb18030"),
        ("application/json; charset=utf-16", "utf-16"),
        ("application/json", "utf-8-sig"),
        ("application/json; charset=iso-8859-1", "iso-8859-1"),
    ],
)
def test_answer_in_any_charset_keeps_what_it_gives(kind, charset):
    """Tokens that came are never thrown away for the words beside them."""
    words = "fait \u00e0 temps" if charset == "iso-8859-1" else "\u6210\u529f"
    body = f'{{"code":0,"msg":"{words}","access_token":"eyJ"}}'.encode(charset)
    answer = read_answer(200, {"content-type": kind}, body)
    assert (answer.body["access_token"], answer.body["msg"]) == ("eyJ", words)


def test_an_empty_failure_is_malformed():
    assert type(refusal(502, b"")) is MalformedAnswer


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (429, b'{"code":99991400,"msg":"frequency limit"}'),
        (400, b'{"code":99991400,"msg":"frequency limit"}'),
        (429, b'{"code":1,"msg":"busy"}'),
        (429, b"slow down"),
        (400, b'{"code":230020,"msg":"too often"}'),
    ],
)
def test_a_rate_limit_is_recognised_by_code_or_status(status, content):
    error = refusal(status, content, {"x-ogw-ratelimit-reset": "7", "retry-after": "9"})
    assert isinstance(error, RateLimited)
    assert error.reset_after == 7.0


def test_a_quota_that_is_used_up_is_not_a_matter_of_waiting():
    error = refusal(429, b'{"code":99991403,"msg":"quota"}')
    assert type(error) is APIError
    assert not error.retryable


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 1.0),
        ({"retry-after": "9"}, 9.0),
        ({"x-ogw-ratelimit-reset": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"x-ogw-ratelimit-reset": "0", "retry-after": "9"}, 9.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 1.0),
        ({"retry-after": "Wed, 21 Oct 2099 07:28:00 GMT"}, 3600.0),
        ({"x-ogw-ratelimit-reset": "-5"}, 1.0),
        ({"x-ogw-ratelimit-reset": "999999"}, 3600.0),
    ],
)
def test_the_wait_is_what_the_platform_says_within_reason(headers, seconds):
    error = refusal(429, b"{}", headers)
    assert isinstance(error, RateLimited)
    assert error.reset_after == seconds


@pytest.mark.parametrize("code", [99991663, 99991664, 99991668, 99991677, 20005, 20006, 20013, 20014])
def test_a_rejected_token_is_recognised(code):
    assert isinstance(refusal(400, b'{"code":%d,"msg":"no"}' % code), InvalidToken)


def test_a_missing_token_is_not_a_rejected_one():
    assert type(refusal(400, b'{"code":99991661,"msg":"no"}')) is APIError


@pytest.mark.parametrize("code", [99991672, 99991679])
def test_missing_scopes_are_named(code):
    content = (
        b'{"code":%d,"msg":"no","error":{"log_id":"x","permission_violations":'
        b'[{"type":"t","subject":"task:task:read"},{"subject":"im:message"},{"type":"t"},7]}}' % code
    )
    error = refusal(400, content)
    assert isinstance(error, MissingScope)
    assert error.scopes == ("task:task:read", "im:message")


def test_missing_scopes_may_stay_unnamed():
    error = refusal(400, b'{"code":99991679,"msg":"no","error":{"permission_violations":null}}')
    assert isinstance(error, MissingScope)
    assert error.scopes == ()


@pytest.mark.parametrize("key", ["log_id", "logid"])
def test_the_log_id_of_the_body_serves_where_the_header_is_missing(key):
    with pytest.raises(APIError) as caught:
        read_answer(400, {}, b'{"code":1,"error":{"%s":"L1"}}' % key.encode())
    assert caught.value.log_id == "L1"


@pytest.mark.parametrize("code", [b'"code":20064,', b""])
@pytest.mark.parametrize("status", [200, 400])
def test_an_oauth_error_is_one_even_without_code(status, code):
    error = refusal(status, b"{" + code + b'"error":"invalid_grant","error_description":"was used"}')
    assert isinstance(error, OAuthError)
    assert (error.error, error.error_description, error.message) == ("invalid_grant", "was used", "was used")
    assert error.code == (20064 if code else None)


def test_a_code_in_quotes_is_a_code():
    assert refusal(200, b'{"code":"20008","msg":"no"}').code == 20008


@given(st.integers(200, 599), st.binary(max_size=60))
def test_no_answer_can_break_the_reading(status, content):
    try:
        answer = read_answer(status, {}, content)
    except FeishuError:
        return
    assert isinstance(answer.body, dict)
