"""A webhook app on the official SDK, unmodified: it decrypts, checks token and signature, returns challenges.

Arguments: port, Encrypt Key, Verification Token. Answers every click with a toast.
"""

# ruff: noqa: TID253 - nothing imports this program; it exists to run the SDK.

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import lark_oapi as lark
from lark_oapi.core.model import RawRequest
from lark_oapi.event.callback.model.p2_card_action_trigger import P2CardActionTriggerResponse


def main(port: str, encrypt_key: str, verification_token: str) -> None:
    toast = {"toast": {"type": "info", "content": "by webhook"}}
    dispatcher = (
        lark.EventDispatcherHandler.builder(encrypt_key, verification_token)
        .register_p2_im_message_receive_v1(lambda _event: None)
        .register_p2_card_action_trigger(lambda _event: P2CardActionTriggerResponse(toast))
        .build()
    )

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = RawRequest()
            request.uri = self.path
            request.headers = dict(self.headers)
            request.body = self.rfile.read(int(self.headers["Content-Length"]))
            response = dispatcher.do(request)
            self.send_response(response.status_code)
            self.send_header("Content-Length", str(len(response.content)))
            self.end_headers()
            self.wfile.write(response.content)

    HTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
