"""Registers an app with the official SDK. Writes the address of the QR code, then what came of it, each as a line of JSON.

Arguments: platform URL, further arguments of `register_app` as JSON.
"""

# ruff: noqa: TID253 - nothing imports this program; it exists to run the SDK.

import json
import sys

from lark_oapi.scene.registration import RegisterAppError, register_app


def say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main(url: str, arguments: str) -> None:
    statuses: list[str] = []
    try:
        result = register_app(
            on_qr_code=lambda code: say(code["url"]),
            on_status_change=lambda info: statuses.append(info["status"]),
            domain=url,
            lark_domain=url,
            **json.loads(arguments),
        )
        say({"result": result, "statuses": statuses})
    except RegisterAppError as error:
        say({"error": type(error).__name__, "code": error.code})


if __name__ == "__main__":
    main(*sys.argv[1:])
