"""A bot on the official SDK, unmodified; run as a program because its client blocks and owns a global loop.

Arguments: platform URL, app id, app secret. Replies to every message, answers every click and previews every link.
"""

# ruff: noqa: TID253 - nothing imports this program; it exists to run the SDK.

import json
import sys

import lark_oapi as lark
from lark_oapi.api.im.v1 import (
    CreateMessageRequest,
    CreateMessageRequestBody,
    P2ImMessageReceiveV1,
    ReplyMessageRequest,
    ReplyMessageRequestBody,
)
from lark_oapi.event.callback.model.p2_card_action_trigger import (
    P2CardActionTrigger,
    P2CardActionTriggerResponse,
)
from lark_oapi.event.callback.model.p2_url_preview_get import P2URLPreviewGet, P2URLPreviewGetResponse


def main(url: str, app_id: str, secret: str) -> None:
    client = lark.Client.builder().app_id(app_id).app_secret(secret).domain(url).build()

    def received(event: P2ImMessageReceiveV1) -> None:
        message, sender = event.event.message, event.event.sender
        text = json.loads(message.content)["text"]
        reply = (
            ReplyMessageRequestBody.builder().msg_type("text").content(json.dumps({"text": f"re: {text}"}))
        )
        answer = client.im.v1.message.reply(
            ReplyMessageRequest.builder().message_id(message.message_id).request_body(reply.build()).build()
        )
        assert answer.success(), (answer.code, answer.msg)
        create = (
            CreateMessageRequestBody.builder()
            .receive_id(sender.sender_id.open_id)
            .msg_type("text")
            .content(json.dumps({"text": "and one more"}))
        )
        answer = client.im.v1.message.create(
            CreateMessageRequest.builder().receive_id_type("open_id").request_body(create.build()).build()
        )
        assert answer.success(), (answer.code, answer.msg)

    def clicked(event: P2CardActionTrigger) -> P2CardActionTriggerResponse:
        card = {
            "schema": "2.0",
            "config": {"update_multi": True},
            "body": {
                "elements": [{"tag": "markdown", "content": f"chosen: {event.event.action.value['op']}"}]
            },
        }
        return P2CardActionTriggerResponse(
            {"toast": {"type": "success", "content": "Saved"}, "card": {"type": "raw", "data": card}}
        )

    def seen(event: P2URLPreviewGet) -> P2URLPreviewGetResponse:
        return P2URLPreviewGetResponse({"inline": {"title": f"at {event.event.context.url}"}})

    handler = (
        lark.EventDispatcherHandler.builder("", "")
        .register_p2_im_message_receive_v1(received)
        .register_p2_card_action_trigger(clicked)
        .register_p2_url_preview_get(seen)
        .build()
    )
    lark.ws.Client(app_id, secret, event_handler=handler, domain=url, log_level=lark.LogLevel.WARNING).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
