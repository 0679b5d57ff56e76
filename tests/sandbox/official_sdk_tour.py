"""Calls the sandbox's APIs through the typed client of the official SDK and writes what it understood, as JSON.

Arguments: platform URL, app id, app secret, a person's open_id, a user access token.
"""

# ruff: noqa: TID253 - nothing imports this program; it exists to run the SDK.

import json
import sys
from typing import Any

import lark_oapi as lark
from lark_oapi.api.application.v6 import GetApplicationRequest
from lark_oapi.api.authen.v1 import GetUserInfoRequest
from lark_oapi.api.contact.v3 import GetUserRequest
from lark_oapi.api.im.v1 import (
    CreateMessageRequest,
    CreateMessageRequestBody,
    DeleteMessageRequest,
    GetMessageRequest,
    ListMessageRequest,
    PatchMessageRequest,
    PatchMessageRequestBody,
)

CARD = json.dumps({"schema": "2.0", "config": {"update_multi": True}, "body": {"elements": []}})


def main(url: str, app_id: str, secret: str, open_id: str, user_token: str) -> None:
    client = lark.Client.builder().app_id(app_id).app_secret(secret).domain(url).build()
    message = client.im.v1.message
    body = (
        CreateMessageRequestBody.builder().receive_id(open_id).msg_type("interactive").content(CARD).build()
    )
    created = message.create(
        CreateMessageRequest.builder().receive_id_type("open_id").request_body(body).build()
    )
    message_id, chat_id = created.data.message_id, created.data.chat_id
    patch = PatchMessageRequestBody.builder().content(CARD).build()
    patched = message.patch(PatchMessageRequest.builder().message_id(message_id).request_body(patch).build())
    got = message.get(GetMessageRequest.builder().message_id(message_id).build())
    listing = (
        ListMessageRequest.builder().container_id_type("chat").container_id(chat_id).page_size(10).build()
    )
    listed = message.list(listing)
    deleted = message.delete(DeleteMessageRequest.builder().message_id(message_id).build())
    missing = message.get(GetMessageRequest.builder().message_id("om_nothing").build())
    person = client.contact.v3.user.get(
        GetUserRequest.builder().user_id(open_id).user_id_type("open_id").build()
    )
    app = client.application.v6.application.get(
        GetApplicationRequest.builder().app_id("me").lang("zh_cn").build()
    )
    option = lark.RequestOption.builder().user_access_token(user_token).build()
    as_user = lark.Client.builder().enable_set_token(True).domain(url).build()
    me = as_user.authen.v1.user_info.get(GetUserInfoRequest.builder().build(), option)
    understood: dict[str, Any] = {
        "codes": [answer.code for answer in (created, patched, got, listed, deleted, person, app, me)],
        "items": [len(got.data.items), len(listed.data.items)],
        "sender": got.data.items[0].sender.id,
        "has_more": listed.data.has_more,
        "person": person.data.user.name,
        "redirect_urls": app.data.app.redirect_urls,
        "scopes": len(app.data.app.scopes),
        "me": [me.data.name, me.data.open_id],
        "missing": missing.code,
        "log_id": missing.get_log_id(),
    }
    sys.stdout.write(json.dumps(understood))


if __name__ == "__main__":
    main(*sys.argv[1:])
