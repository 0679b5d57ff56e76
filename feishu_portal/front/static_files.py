"""Files of pages: kept by browsers for a year, and compressed.

Each address names the release of all files together, ``/static/<release>/portal/console.css``, so that a page asks for new files
after an upgrade and for none before. The release is a digest of their contents. Scripts and styles name each other relative to
themselves, so that the release goes along without anything being written into them, and there is no collecting step to forget.
"""

import asyncio
import hashlib
import re
from functools import cache
from typing import Any, Final

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers
from django.utils.decorators import sync_and_async_middleware
from servestatic.middleware import ServeStaticMiddleware

from core.middleware import GetResponse

RELEASE_LENGTH: Final = 12  # hexadecimal digits
IN_ADDRESS: Final = re.compile(r"([0-9a-f]{12})/(.+)")
"""A release, and the name of a file."""
FOREVER: Final = "public, max-age=31536000, immutable"
_found: Final[dict[str, dict[str, Any]]] = {}
"""The files by address, for a prefix of addresses."""
COMPRESSED: Final = ("text/", "application/json", "image/svg+xml")
"""What types of files begin with that shrink; fonts and pictures are compressed already."""


@cache
def release() -> str:
    """The digest of all static files, read once in a process: a few megabytes, some hundredths of a second."""
    digest = hashlib.sha256()
    for finder in finders.get_finders():
        for path, storage in sorted(finder.list(None), key=lambda found: found[0]):
            with storage.open(path) as file:
                digest.update(f"{path}\0".encode())
                digest.update(hashlib.sha256(file.read()).digest())
    return digest.hexdigest()[:RELEASE_LENGTH]


class ReleaseStorage(StaticFilesStorage):
    """Addresses with the release in them."""

    def url(self, name: str | None) -> str:
        return super().url(f"{release()}/{name}")


@sync_and_async_middleware
def static_files(get_response: GetResponse) -> GetResponse:
    """Serves them; also those of another release, while processes of two releases run, and without any, for a minute."""
    files = _Files()
    if iscoroutinefunction(get_response):

        async def respond_async(request: HttpRequest) -> HttpResponseBase:
            file = files.find(request.path_info)
            response: HttpResponseBase = (
                await get_response(request) if file is None else await files.serve(file, request)
            )
            return response

        return respond_async

    def respond(request: HttpRequest) -> HttpResponseBase:
        file = files.find(request.path_info)
        response: HttpResponseBase = (
            get_response(request) if file is None else async_to_sync(files.serve)(file, request)
        )
        return response

    return respond


class _Files(ServeStaticMiddleware):  # type: ignore[misc]  # brings no types
    """What Servestatic knows of the files, asked by address. As a middleware it would be asynchronous alone."""

    def __init__(self) -> None:
        super().__init__(_no_middleware)
        self._gzip = GZipMiddleware(_no_middleware)

    def add_files_from_finders(self) -> None:
        """Look for them once in a process: each application in it, and each client of a test, has a middleware of its own."""
        if self.static_prefix in _found:
            self.files = _found[self.static_prefix]
            return
        super().add_files_from_finders()
        _found[self.static_prefix] = self.files

    def find(self, path: str) -> Any | None:
        """The file at the address, with or without a release in it."""
        match = self._match(path)
        return self.files.get(f"{self.static_prefix}{match[2]}" if match else path)

    async def serve(self, file: Any, request: HttpRequest) -> HttpResponseBase:
        """``file``: what was found at the request's address."""
        response: HttpResponseBase = await self.aserve(file, request)
        match = self._match(request.path_info)
        if match and match[1] == release():
            response["Cache-Control"] = FOREVER
        if response.status_code == 200 and response.get("Content-Type", "").startswith(COMPRESSED):
            patch_vary_headers(response, ("Accept-Encoding",))
            if request.method == "GET":
                return await self._compressed(request, response)
        return response

    def _match(self, path: str) -> re.Match[str] | None:
        return IN_ADDRESS.match(path.removeprefix(self.static_prefix))

    async def _compressed(self, request: HttpRequest, response: Any) -> HttpResponseBase:
        """Read whole first: compressed piece by piece, it would be several gzip files in a row, of which Chromium reads one."""
        body = b"".join([piece async for piece in response.streaming_content])
        response.close()
        headers = {name: value for name, value in response.items() if name != "Content-Length"}
        whole = HttpResponse(body, headers=headers)
        whole["Content-Length"] = str(len(body))
        return await asyncio.to_thread(self._gzip.process_response, request, whole)


async def _no_middleware(_request: HttpRequest) -> Any:
    """What classes that are middleware ask for; nothing is handed on to it."""
    raise NotImplementedError
