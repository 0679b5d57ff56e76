"""Contents of messages are checked: keys, ids and shapes that the platform would refuse are refused here."""

import json

import pytest

from sandbox.world import ids
from tests.sandbox.conftest import OTHER_APP_ID, Platform

PNG = b"\x89PNG\r\n\x1a\n\0--\r\n\r\n binary \xff"


async def upload_image(platform: Platform, content: bytes = PNG, **options) -> dict:
    files = {"image": ("图.png", content, "image/png")}
    answer = await platform.api(
        "POST", "im/v1/images", files=files, data={"image_type": "message"}, **options
    )
    return answer.json()


async def upload_file(platform: Platform, kind: str = "stream", content: bytes = b"hello") -> dict:
    files = {"file": ("a.bin", content)}
    data = {"file_type": kind, "file_name": "报告.txt"}
    return (await platform.api("POST", "im/v1/files", files=files, data=data)).json()


@pytest.mark.parametrize(
    ("msg_type", "content", "code"),
    [
        ("image", {"image_key": "img_v3_made_up"}, 230001),
        ("image", {}, 230001),
        ("file", {"file_key": "file_v3_made_up"}, 230001),
        ("audio", {"file_key": "file_v3_made_up"}, 230001),
        ("media", {"file_key": 1}, 230001),
        ("sticker", {"file_key": "x"}, 230001),
        ("share_chat", {"chat_id": "oc_made_up"}, 230001),
        ("share_user", {"user_id": "ou_made_up"}, 230001),
        ("share_user", {"user_id": ids.open_id(OTHER_APP_ID, "lilei")}, 99992361),
        ("post", {"zh_cn": "text"}, 230001),
        ("post", {"zh_cn": {"title": "t", "content": "text"}}, 230001),
        ("post", {"zh_cn": {"content": ["text"]}}, 230001),
        ("post", {"zh_cn": {"content": [[{"tag": "video"}]]}}, 230001),
        ("post", {"zh_cn": {"content": [[{"tag": "img", "image_key": "x"}]]}}, 230001),
        ("post", {}, 230001),
        ("post", {"klingon": {"content": []}}, 230001),
        ("system", {}, 230001),
        ("text", {"text": ""}, 230001),
        ("post", {"zh_cn": {"title": "t", "content": [[{"tag": "text", "text": "hi"}]]}}, 0),
        ("share_user", {"user_id": ids.open_id("cli_0123456789abcdef", "lilei")}, 0),
        ("system", {"type": "divider", "params": {"divider_text": {"text": "new"}}}, 0),
    ],
)
async def test_content_has_to_exist(platform: Platform, msg_type: str, content: dict, code: int) -> None:
    answer = await platform.send(json.dumps(content), msg_type=msg_type)
    assert answer.json()["code"] == code, answer.text


async def test_uploaded_picture_is_sent_and_comes_back_byte_for_byte(platform: Platform) -> None:
    key = (await upload_image(platform))["data"]["image_key"]
    sent = (await platform.send(json.dumps({"image_key": key}), msg_type="image")).json()
    assert sent["code"] == 0
    assert (await platform.api("GET", f"im/v1/images/{key}")).content == PNG
    path = f"im/v1/messages/{sent['data']['message_id']}/resources/{key}"
    got = await platform.api("GET", path, params={"type": "image"})
    assert (got.content, got.headers["content-type"]) == (PNG, "image/png")
    assert (await platform.api("GET", path)).json()["code"] == 234001
    other = f"im/v1/messages/{sent['data']['message_id']}/resources/img_x"
    assert (await platform.api("GET", other, params={"type": "image"})).json()["code"] == 234003
    foreign = await platform.api(
        "GET", f"im/v1/images/{key}", token=await platform.tenant_token(OTHER_APP_ID)
    )
    assert foreign.json()["code"] == 234008


async def test_file_has_to_fit_the_type_of_the_message(platform: Platform) -> None:
    key = (await upload_file(platform))["data"]["file_key"]
    for msg_type, code in [("file", 0), ("audio", 230055), ("media", 230055), ("image", 230001)]:
        name = "image_key" if msg_type == "image" else "file_key"
        answer = await platform.send(json.dumps({name: key}), msg_type=msg_type)
        assert answer.json()["code"] == code
    opus = (await upload_file(platform, "opus"))["data"]["file_key"]
    assert (await platform.send(json.dumps({"file_key": opus}), msg_type="audio")).json()["code"] == 0
    got = await platform.api("GET", f"im/v1/files/{key}")
    assert (got.content, "%E6%8A%A5" in got.headers["content-disposition"]) == (b"hello", True)


async def test_uploads_that_make_no_sense_are_refused(platform: Platform) -> None:
    assert (await upload_image(platform, b""))["code"] == 234010
    assert (await upload_image(platform, b"no picture"))["code"] == 234011
    assert (await upload_image(platform, PNG + b"x" * 10 * 1024 * 1024))["code"] == 234006
    assert (await upload_file(platform, "exe"))["code"] == 234001
    assert (await platform.api("POST", "im/v1/images", json={})).json()["code"] == 234001


async def test_resource_of_another_app_cannot_be_sent(platform: Platform) -> None:
    foreign = await upload_image(platform, token=await platform.tenant_token(OTHER_APP_ID))
    content = json.dumps({"image_key": foreign["data"]["image_key"]})
    assert (await platform.send(content, msg_type="image")).json()["code"] == 230017
