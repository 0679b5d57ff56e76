"""`/open-apis/im/v1/images`, `files` and the resources of messages: uploads and downloads.

Pages "Upload image", "Download image", "Upload file", "Download file", "Get resource files in messages".
"""

from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from sandbox.errors import PlatformError
from sandbox.platform import multipart
from sandbox.platform.api_front import Call, Caller, admit
from sandbox.platform.recipients import visible_message
from sandbox.world.resources import Resource

UPLOAD_SCOPES: Final = ("im:resource", "im:resource:upload", "im:message")
DOWNLOAD_SCOPES: Final = ("im:resource", "im:message", "im:message:readonly", "im:message.p2p_msg:readonly")
MAX_IMAGE: Final = 10 * 1024 * 1024
MAX_FILE: Final = 30 * 1024 * 1024
MAX_UPLOAD: Final = MAX_FILE + 64 * 1024
FILE_TYPES: Final = frozenset(["opus", "mp4", "pdf", "doc", "xls", "ppt", "stream"])
_IMAGES: Final = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
    b"BM": "image/bmp",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
    b"\0\0\1\0": "image/x-icon",
}


async def upload_image(call: Call) -> dict[str, Any]:
    caller = await admit(call, "im.image.create", scopes=UPLOAD_SCOPES)
    parts = multipart.parse(call.body, call.request.headers.get("content-type", ""))
    image = parts.get("image")
    if "image_type" not in parts or parts["image_type"].text not in {"message", "avatar"} or image is None:
        raise PlatformError(234001, "Invalid request param.")
    _check_size(image.content, MAX_IMAGE)
    if image_type(image.content) is None:
        raise PlatformError(234011, "Can't recognize the image format.")
    resource = call.world.resources.add(
        kind="image", owner=caller.app.app_id, type="image", name=image.filename, content=image.content
    )
    return {"code": 0, "msg": "success", "data": {"image_key": resource.key}}


async def upload_file(call: Call) -> dict[str, Any]:
    caller = await admit(call, "im.file.create", scopes=UPLOAD_SCOPES)
    parts = multipart.parse(call.body, call.request.headers.get("content-type", ""))
    if "file" not in parts or "file_name" not in parts or "file_type" not in parts:
        raise PlatformError(234001, "Invalid request param.")
    file, kind = parts["file"], parts["file_type"].text
    if kind not in FILE_TYPES:
        raise PlatformError(234001, "Invalid request param, file_type.")
    _check_size(file.content, MAX_FILE)
    resource = call.world.resources.add(
        kind="file", owner=caller.app.app_id, type=kind, name=parts["file_name"].text, content=file.content
    )
    return {"code": 0, "msg": "success", "data": {"file_key": resource.key}}


async def image(call: Call) -> Response:
    return _own(call, await admit(call, "im.image.get", scopes=DOWNLOAD_SCOPES), "image_key")


async def file(call: Call) -> Response:
    return _own(call, await admit(call, "im.file.get", scopes=DOWNLOAD_SCOPES), "file_key")


async def of_message(call: Call) -> Response:
    """What a message carries, for everybody in its chat."""
    caller = await admit(call, "im.message.resource.get", user=True, scopes=DOWNLOAD_SCOPES)
    message, key = visible_message(call, caller), call.path("file_key")
    resource = call.world.resources.get(key)
    if call.query.get("type") not in {"image", "file"}:
        raise PlatformError(234001, "Invalid request param, type.")
    if resource is None or f'"{key}"' not in message.content:
        raise PlatformError(234003, "File not in msg.")
    return _download(resource)


def image_type(content: bytes) -> str | None:
    """The media type of a picture, as its first bytes tell."""
    return next((kind for magic, kind in _IMAGES.items() if content.startswith(magic)), None)


def _own(call: Call, caller: Caller, name: str) -> Response:
    resource = call.world.resources.get(call.path(name))
    if resource is None:
        raise PlatformError(234001, f"Invalid request param, the {name} does not exist.")
    if resource.owner != caller.app.app_id:
        raise PlatformError(234008, "App is not the resource sender.")
    return _download(resource)


def _download(resource: Resource) -> Response:
    media_type = image_type(resource.content) or "application/octet-stream"
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(resource.name or resource.key)}"}
    return Response(resource.content, media_type=media_type, headers=headers)


def _check_size(content: bytes, limit: int) -> None:
    if not content:
        raise PlatformError(234010, "File's size can't be 0.")
    if len(content) > limit:
        raise PlatformError(234006, "The file size exceeds the max value.")
