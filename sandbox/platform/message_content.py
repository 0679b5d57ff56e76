"""Whether the content of a message is what its type asks for, keys of resources and ids of chats and people included.

Page "Send message content".
"""

from typing import Any, Final

from feishu.values import text_of
from sandbox.cards import validation
from sandbox.errors import PlatformError
from sandbox.platform.api_front import Caller
from sandbox.strange_json import parse_json
from sandbox.world import ids
from sandbox.world.messages import Chat
from sandbox.world.world import World

MSG_TYPES: Final = frozenset(
    [
        "text",
        "post",
        "image",
        "file",
        "audio",
        "media",
        "sticker",
        "interactive",
        "share_chat",
        "share_user",
        "system",
    ]
)
MAX_TEXT_BYTES: Final = 150 * 1024
_FILE_TYPES: Final = {"audio": {"opus"}, "media": {"mp4"}}
_POST_TAGS: Final = frozenset(["text", "a", "at", "img", "media", "emotion", "hr", "code_block", "md"])
_LANGUAGES: Final = frozenset({"zh_cn", "en_us", "ja_jp", "zh_hk", "zh_tw"})


def checked(world: World, caller: Caller, chat: Chat, body: dict[str, Any]) -> tuple[str, str]:
    """Type and content of what is to be sent into a chat. Raises PlatformError 2300xx."""
    msg_type, content = text_of(body.get("msg_type")), body.get("content")
    if msg_type not in MSG_TYPES:
        raise invalid("msg_type is invalid.")
    if not isinstance(content, str):
        raise invalid("content must be a string.")
    size = len(content.encode("utf-8", "replace"))
    if size > (MAX_TEXT_BYTES if msg_type == "text" else validation.MAX_BYTES):
        raise PlatformError(230025, "The length of the message content reaches its limit.")
    if msg_type != "interactive":
        _check(world, caller, chat, msg_type, parsed(content))
    return msg_type, content


def parsed(content: str) -> dict[str, Any]:
    try:
        value = parse_json(content)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise invalid("content is not valid.")
    return value


def invalid(why: str) -> PlatformError:
    return PlatformError(230001, f"Your request contains an invalid request parameter, {why}")


def _check(world: World, caller: Caller, chat: Chat, msg_type: str, content: dict[str, Any]) -> None:
    match msg_type:
        case "text":
            _text(content, "text")
        case "post":
            check_post(world, caller, content)
        case "image":
            _resource(world, caller, content.get("image_key"), "image")
        case "file" | "audio" | "media" | "sticker":
            _file(world, caller, msg_type, content)
        case "share_chat":
            _shared_chat(world, caller, _text(content, "chat_id"))
        case "share_user":
            _shared_user(world, caller, _text(content, "user_id"))
        case "system":
            _divider(chat, content)


def check_post(world: World, caller: Caller, content: dict[str, Any]) -> None:
    """A rich text: languages, each with a title and rows of elements."""
    posts = content.get("post", content)
    if not isinstance(posts, dict) or not posts or posts.keys() - _LANGUAGES:
        raise invalid("a post has languages, zh_cn and so on.")
    for post in posts.values():
        rows = post.get("content") if isinstance(post, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
            raise invalid("the content of a post is a list of lists of elements.")
        for element in (element for row in rows for element in row):
            if not isinstance(element, dict) or text_of(element.get("tag")) not in _POST_TAGS:
                raise invalid("unknown tag in a post.")
            if element["tag"] == "img":
                _resource(world, caller, element.get("image_key"), "image")


def _file(world: World, caller: Caller, msg_type: str, content: dict[str, Any]) -> None:
    kind = _resource(world, caller, content.get("file_key"), "file")
    if kind not in _FILE_TYPES.get(msg_type, {kind}):
        raise PlatformError(230055, "The type of the file does not match the type of the message.")
    if content.get("image_key"):
        _resource(world, caller, content["image_key"], "image")


def _resource(world: World, caller: Caller, key: object, kind: str) -> str:
    resource = world.resources.get(key)
    if resource is None or resource.kind != kind:
        raise invalid(f"the {kind}_key does not exist.")
    if resource.owner not in {caller.app.app_id, caller.person.id if caller.person else ""}:
        raise PlatformError(230017, "Bot is NOT the owner of the resource.")
    return resource.type


def _shared_chat(world: World, caller: Caller, chat_id: str) -> None:
    chat = world.mailbox.chats.get(chat_id)
    if chat is None:
        raise invalid("the chat_id does not exist.")
    if chat.kind == "p2p":
        raise PlatformError(230015, "P2P chat can NOT be shared.")
    if not (caller.person.id in chat.people if caller.person else caller.app.app_id in chat.apps):
        raise PlatformError(230002, "Bot can NOT be out of the chat.")


def _shared_user(world: World, caller: Caller, open_id: str) -> None:
    known = world.owner_of_open_id(open_id)
    if known is None and open_id != ids.bot_open_id(caller.app.app_id):
        raise invalid("the user_id does not exist.")
    if known is not None and known[0] != caller.app.app_id:
        raise PlatformError(99992361, "open_id cross app")


def _divider(chat: Chat, content: dict[str, Any]) -> None:
    params = content.get("params")
    divider = params.get("divider_text") if isinstance(params, dict) else None
    if content.get("type") != "divider" or not isinstance(divider, dict):
        raise invalid("a system message is a divider with a divider_text.")
    _text(divider, "text")
    if chat.kind != "p2p":
        raise invalid("a system message is for p2p chats alone.")


def _text(content: dict[str, Any], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise invalid(f"content needs a {name}.")
    return value
