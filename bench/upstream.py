"""A stand-in for the platform that does next to nothing: ``uvicorn bench.upstream:app``."""

import asyncio
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

CHUNK = b"x" * 65536


async def tasks(request: Request) -> JSONResponse:
    """A small answer after ``ms`` milliseconds."""
    if wait := float(request.query_params.get("ms", "0")):
        await asyncio.sleep(wait / 1000)
    return JSONResponse({"code": 0, "msg": "success", "data": {"items": [{"guid": "1"}] * 20}})


async def file(request: Request) -> StreamingResponse:
    """``mb`` MiB of nothing."""

    async def body() -> AsyncIterator[bytes]:
        for _ in range(int(request.query_params["mb"]) * 16):
            yield CHUNK

    return StreamingResponse(body(), media_type="application/octet-stream")


app = Starlette(
    routes=[Route("/open-apis/task/v2/tasks", tasks), Route("/open-apis/drive/v1/medias/m/download", file)]
)
