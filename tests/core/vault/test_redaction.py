"""Secrets are taken out of whatever is written or shown, in time that does not depend on who wrote it."""

import json
import time

import pytest

from core.vault.redaction import MASK, MAX_TEXT, redact, redact_text

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJvdSJ9.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"token {JWT} refused", JWT),
        ("Authorization: Bearer t-g1044ghJK2345678901", "t-g1044ghJK2345678901"),
        ("proxy-authorization: Basic dXNlcjpwdw==", "dXNlcjpwdw"),
        ("Cookie: sessionid=abc; csrftoken=def", "abc"),
        ("wss://host/ws/v2?device_id=1&access_key=abcdef&service_id=3&ticket=7c0a3c1e", "7c0a3c1e"),
        ("GET /oauth/callback/cli_1/?code=Zx_9-demo&state=abc", "Zx_9-demo"),
        ("https://accounts.feishu.cn/oauth/v1/device/verify?flow_id=1&user_code=AB12-CD34", "AB12-CD34"),
        ("GET /oauth/start/q1w2e3r4t5y6u7i8o9p0/", "q1w2e3r4t5y6u7i8o9p0"),
        ("https://portal.test/oauth/my/q1w2e3r4t5y6u7i8o9p0/", "q1w2e3r4t5y6u7i8o9p0"),
        ("key fp_1a2b3c4d_0123456789abcdefXYZ", "0123456789abcdefXYZ"),
        ("agent fpa_0123456789-abcdef_XYZ", "0123456789-abcdef_XYZ"),
        ("renewed by fpr_0123456789-abcdef_XYZ", "0123456789-abcdef_XYZ"),
        ("signed with whsec_MfKQ9r8GKYqrTwj/PD8I+PZIo2LaLaSw=", "MfKQ9r8GKYqrTwj/PD8I+PZIo2LaLaSw="),
        ("ur-oldstyle12345678901234", "ur-oldstyle12345678901234"),
        ("client_secret=hush&grant_type=x", "hush"),
        ("cannot reach postgres://portal:hush@db/portal", "hush"),
        ("sealed gAAAAABm" + "x" * 80, "x" * 80),
        ("{'app_secret': 'hush', 'app_id': 'cli_1'}", "hush"),
        ('{"token": "hu\\"sh", "open_id": "ou_1"}', "sh"),
        ('{"content": "{\\"refresh_token\\": \\"hush hush\\"}"}', "hush"),
        ('{"tokens": ["hush", "hush"]}', "hush"),
        ('half an event, {"token": "hush and cut o', "hush"),
        ('{"ticket": 123456}', "123456"),
    ],
)
def test_secret_in_a_text_is_masked(text: str, secret: str) -> None:
    assert secret not in redact_text(text)
    assert MASK in redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "connection_up app_id=cli_a1b2c3d4e5f60718 code=99991663 state=connected om_1",
        '{"code": 20005, "msg": "Invalid access token", "state": "open"}',
        '{"token": null, "is_encrypted": true}',
        "https://example.com/?page_size=20&lang=zh",
        "t-shirt",
        "/oauth/my/agents/5d7e7d5e-0000-4000-8000-000000000000/disconnect/",
        "看看这个：授权成功",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert redact_text(text) == text


def test_text_behind_a_masked_value_stays() -> None:
    assert (
        redact_text('{"token": "hu\\"sh", "open_id": "ou_1"}') == f'{{"token": "{MASK}", "open_id": "ou_1"}}'
    )


@pytest.mark.parametrize(
    "name",
    [
        "app_secret",
        "password",
        "Authorization",
        "refresh_token",
        "access_token",
        "code_verifier",
        "ticket",
        "cookie",
        "encrypt_key",
        "accessKey",
    ],
)
@pytest.mark.parametrize("value", ["hush", b"hush", ["hush"], {"inner": "hush"}], ids=repr)
def test_value_under_a_secret_name_is_masked_whatever_it_is(name: str, value: object) -> None:
    assert redact({"outer": {name: value}}) == {"outer": {name: MASK}}


def test_flags_and_nothing_under_a_secret_name_are_kept() -> None:
    kept = {"token": None, "encrypt": "", "has_secret": True}
    assert redact(kept) == kept


def test_json_within_strings_is_searched_by_its_names() -> None:
    nested = {"a": [{"content": json.dumps({"app_secret": "hush", "text": "你好"})}], "count": 1}
    content = json.dumps({"app_secret": MASK, "text": "你好"}, ensure_ascii=False)
    assert redact(nested) == {"a": [{"content": content}], "count": 1}


def test_codes_that_are_text_are_masked_where_they_are_those_of_an_authorization() -> None:
    values = {"code": "Zx_9-demo", "device_code": "dc", "platform_code": 20003}
    assert redact(values, hides_codes=True) == {"code": MASK, "device_code": MASK, "platform_code": 20003}
    assert redact({"code": "PO-2024"}) == {"code": "PO-2024"}


def test_long_text_is_cut_before_it_is_searched() -> None:
    assert redact_text("a" * (MAX_TEXT + 1)) == "a" * MAX_TEXT + "…"


@pytest.mark.parametrize(
    "piece",
    [
        '"', '\\"', "token", '"token', "\"token'", '"token"   ', '"token":"\\', "'token':'", '"token":[', '"token":{',
        "eyJaaaaaaaa-", "eyJaaaaaaaa.", "t-", "t-aaaaaaaaaaaaa.", "fp_aaaaaaa_", "fpa_a.", "whsec_", "whsec_ ", "/oauth/my/",
        "gAAAA-", "&a_code", "a_", "://a:", ":",
        "cookie:", "bearer ", "a-token", "=", " ",
    ],
)  # fmt: skip
def test_no_text_takes_long_to_search(piece: str) -> None:
    """A pattern that backtracks would take minutes for each of these."""
    evil = (piece * MAX_TEXT)[:MAX_TEXT]
    begin = time.process_time()
    redact_text(f'"token": "{evil}')
    redact_text(evil)
    redact_text(f"&{evil}code")
    assert time.process_time() - begin < 5
