import json
from urllib.parse import urlencode

import pytest

from core.access.call_contents import MAX_SAID, MAX_WHERE, header_of, read_contents


def read(body: object, query: str = ""):
    return read_contents(query, json.dumps(body).encode(), content_type="application/json; charset=utf-8")


def test_every_value_is_told_with_its_place():
    contents = read({"summary": "x", "members": [{"id": "ou_1"}, {"id": "ou_2"}], "due": {}}, "a=1&a=2")
    assert [(said.where, said.value) for said in contents.said] == [
        ("a", "1"), ("a", "2"), ("summary", "x"), ("members.0.id", "ou_1"), ("members.1.id", "ou_2"), ("due", "{}"),
    ]  # fmt: skip
    assert [said.value for said in contents.of("id")] == ["ou_1", "ou_2"]


def test_values_that_are_no_text_are_told_as_json():
    assert [said.value for said in read({"a": True, "b": None, "c": 1.5, "d": []}).body] == [
        "true", "null", "1.5", "[]",
    ]  # fmt: skip


def test_resources_are_what_ids_and_tokens_name():
    contents = read(
        {"receive_id": "oc_1", "content": "x", "client_token": "t", "spreadsheetToken": "s", "due": 1},
        "user_id_type=open_id&page_token=p&folder_token=f",
    )
    assert [said.value for said in contents.resources] == ["f", "oc_1", "s"]


def test_text_that_is_json_is_read_as_well():
    contents = read(
        {"content": json.dumps({"text": "周报", "chat_id": "oc_1"}), "note": "[1] a"}, 'filter=["f"]'
    )
    assert [(said.where, said.value) for said in contents.said if not said.is_opened] == [
        ("filter.0", "f"), ("content.text", "周报"), ("content.chat_id", "oc_1"), ("note", "[1] a"),
    ]  # fmt: skip
    assert [said.value for said in contents.resources] == ["oc_1"]
    assert contents.names >= {"content", "text", "chat_id"}
    assert contents.of("content")  # as a text it stays
    assert [said.where for said in contents.said if said.is_within] == [
        "filter.0",
        "content.text",
        "content.chat_id",
    ]
    contents = read({"c": "{}", "d": '{"e"', "f": "x {", "g": " [TODO] a\nb"})
    assert contents.is_whole
    assert [(said.name, said.looks_closed) for said in contents.said if not said.is_opened] == [
        ("c", False), ("d", True), ("f", False), ("g", True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        '{"b": "\\ud800"}',
        '{"a": "\\u006fc_1"} x',
        '{"a": "\\u006fc_1",}',
        "[\\x6f",
        ' {"a": NaN, "b": "\\/"}',
    ],
)
def test_text_in_which_only_a_lenient_parser_reads_more_cannot_be_read(text):
    assert not read({"content": text}).is_whole
    assert not read({}, urlencode({"filter": text})).is_whole


@pytest.mark.parametrize(
    ("content_type", "is_whole"),
    [
        ("application/json", True), ("application/json; charset=UTF-8", True), ('Application/JSON;charset="utf-8"; x=y', True),
        ("application/json; charset=gbk", False), ("application/json; charset=utf-8; charset=gbk", False),
        ("application/json; charset*=gbk''x", False), ("application/x-www-form-urlencoded, application/json", False),
    ],
)  # fmt: skip
def test_body_that_has_another_type_or_charset_to_somebody_cannot_be_read(content_type, is_whole):
    assert read_contents("", b'{"a": 1}', content_type=content_type).is_whole is is_whole


def test_headers_of_one_name_are_one_list():
    headers = [("Content-Type", "text/plain"), ("content-type", "application/json"), ("accept", "x")]
    assert header_of(headers, "content-type") == "text/plain, application/json"
    assert header_of(headers, "content-encoding") == ""


def test_people_and_chats_are_resources_whatever_their_field_is_called():
    contents = read(
        {
            "to": [{"mail_address": "a@example.com"}],
            "approvers": ["ou_1"],
            "text": "to a@example.com",
            "x": "oc_",
        }
    )
    assert [said.value for said in contents.resources] == ["a@example.com", "ou_1"]


@pytest.mark.parametrize("nested", ["[" * 50_000, "[" * 50_000 + "]" * 50_000])
def test_text_nested_too_deep_cannot_be_read(nested):
    assert not read({"content": nested}).is_whole
    assert not read({}, f"content={nested}").is_whole


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"a": NaN}', b'{"a": "\\ud800"}', b"\xff", b"[" * 100_000, b'"\xe9"', b"\xef\xbb\xbf{}", None],
)
def test_body_that_is_no_plain_json_cannot_be_read(body):
    assert not read_contents("", body, content_type="application/json").is_whole


def test_body_of_another_type_cannot_be_read():
    assert not read_contents("", b"{}", content_type="").is_whole
    assert read_contents("", b"", content_type="").is_whole


def test_body_is_read_within_bounds():
    assert not read(list(range(MAX_SAID + 1))).is_whole
    deep: object = {"leaf": [1, 2, 3]}
    for _ in range(50):
        deep = {"k" * 1000: deep}
    assert all(len(said.where) <= MAX_WHERE for said in read(deep).body)
