"""What a browser got from the portal, read from the recording (HAR) of its context."""

import base64
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.services.leaks import ANSWER, BROWSER, CODE, SELF_SERVICE, STATE, Watch, is_of_the_portal

_LINK = re.compile(r"/oauth/(start|my)/([\w-]{16,})/")
_LINKS = {"start": "auth_sessions.authsession.start_token", "my": SELF_SERVICE}
_COOKIES = {
    "feishu_portal_session": "session key",
    "feishu_portal_auth": BROWSER,
    "feishu_portal_mine": BROWSER,
    "feishu_portal_agent": BROWSER,
}
_KINDS = ("text/html", "application/json", "text/plain", "application/problem+json")


def hear_recording(watch: Watch, path: Path) -> None:
    """Answers and pages, and the secrets that the addresses and cookies of the recording hold: its portal is another process,
    which tells them to nobody else."""
    for entry in json.loads(path.read_text())["log"]["entries"]:
        address = urlsplit(entry["request"]["url"])
        if is_of_the_portal(address.path):
            _keep_secrets(watch, address.path, address.query, entry["response"]["headers"])
            text = "\n".join([_head(entry["response"]), _body(entry["response"]["content"])])
            watch.hear(ANSWER, address.path, text, is_foreign=True)


def _keep_secrets(watch: Watch, path: str, query: str, headers: list[dict[str, str]]) -> None:
    values = parse_qs(query)
    if path.startswith("/oauth/callback/"):
        for name, kind in (("code", CODE), ("state", STATE)):
            for value in values.get(name, ()):
                watch.keep(value, kind)
    if found := _LINK.match(path):
        watch.keep(found[2], _LINKS[found[1]])
    for header in headers:
        name, _, value = header["value"].partition(";")[0].partition("=")
        if header["name"].lower() == "set-cookie" and (kind := _COOKIES.get(name.removeprefix("__Host-"))):
            watch.keep(value, kind)


def _head(response: dict[str, Any]) -> str:
    """Without the cookies, which are for this browser."""
    lines = [f"{header['name']}: {header['value']}" for header in response["headers"]]
    return "\n".join(line for line in lines if not line.lower().startswith("set-cookie:"))


def _body(content: dict[str, Any]) -> str:
    if not content.get("mimeType", "").startswith(_KINDS):
        return ""
    text: str = content.get("text", "")
    if content.get("encoding") == "base64":
        return base64.b64decode(text).decode("utf-8", "replace")
    return text
