"""Bodies of requests that Django serves, read before it: it would spool any length to disk before it knows who sends it."""

from django.conf import settings
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from core.background.per_loop import PerLoop
from core.background.request_bodies import BodyReader, BodyTooLargeError, BodyTooSlowError, received
from feishu_portal.api.error_pages import is_for_callers
from feishu_portal.api.problems import Problem, answer_before_django
from feishu_portal.front.pages import page

BODY_SECONDS = 30.0
FIRST_BYTE_SECONDS = 5.0
PLACES = 256
"""Bodies under way in one process."""


class BoundedBodies:
    """An ASGI application that reads the body of a request within bounds and hands it on whole.

    Answers 413 and 408 itself: a problem under the API's addresses, a page elsewhere.
    """

    def __init__(self, application: ASGIApp) -> None:
        self._application = application
        self._readers = PerLoop(BodyReader, name="bodies")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        names = {name for name, _value in scope["headers"]}
        if not names & {b"content-length", b"transfer-encoding"}:
            await self._application(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            reader = await self._readers.current()
            body = await reader.read(
                request,
                limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
                places=PLACES,
                seconds=BODY_SECONDS,
                first_seconds=FIRST_BYTE_SECONDS,
            )
        except BodyTooLargeError:
            await _refusal(scope, 413)(scope, receive, send)
        except BodyTooSlowError:
            await _refusal(scope, 408)(scope, receive, send)
        except ClientDisconnect:
            return
        else:
            await self._application(scope, received(body, receive), send)

    async def close(self) -> None:
        """Close what this event loop opened."""
        await self._readers.close()


def _refusal(scope: Scope, status: int) -> Response:
    # The rest of the body is not read, so the connection cannot serve another request.
    headers = {"Connection": "close", "Cache-Control": "no-store"}
    if is_for_callers(scope["path"].removeprefix(scope.get("root_path", ""))):
        code, detail = (
            ("body_too_large", f"A body may have {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes.")
            if status == 413
            else ("body_too_slow", "The body did not come in time.")
        )
        problem = Problem(status, code, detail)
        return answer_before_django(problem, headers=headers)
    return page(scope, status, headers)
