"""The ears of `leaks` in this process: put in once, for the whole session."""

import functools
import logging
from collections.abc import Callable
from typing import Any

from tests.services.leaks import ANSWER, TASK, LogWatch, Watch, hear_answer


def install() -> LogWatch:
    """Every value that is sealed, every key that is made, every answer of a test client or of an ASGI application, every
    task message and every log line from now on."""
    import httpx  # noqa: PLC0415 -- after Django's setup
    from celery import Celery  # noqa: PLC0415 -- after Django's setup
    from celery.app.task import Task  # noqa: PLC0415
    from django.test import AsyncClient, Client  # noqa: PLC0415

    from core.access import api_keys  # noqa: PLC0415
    from core.vault import fields  # noqa: PLC0415

    [handler] = [each for each in logging.getLogger().handlers if type(each) is logging.StreamHandler]
    assert handler.formatter is not None
    log = LogWatch(handler.formatter)
    logging.getLogger().addHandler(log)

    def told(patched: Any, name: str, tell: Callable[..., None]) -> None:
        original = getattr(patched, name)

        @functools.wraps(original)
        def heard(*arguments: Any, **values: Any) -> Any:
            result = original(*arguments, **values)
            tell(log.watch, result, *arguments, **values)
            return result

        setattr(patched, name, heard)

    told(fields.EncryptedField, "seal_for", _sealed)
    told(api_keys, "_new_key", lambda watch, key, *_rest: watch.keep(key, "api key"))
    told(Task, "apply_async", _task)
    told(Celery, "send_task", _task)
    told(Client, "request", _answer)
    _hear_async(AsyncClient, log)
    _hear_asgi(httpx.ASGITransport, log)
    return log


def _sealed(watch: Watch, _result: Any, column: Any, instance: Any, plaintext: str) -> None:
    watch.keep(plaintext, f"{instance._meta.label_lower}.{column.name}")


def _task(watch: Watch, _result: Any, task: Any, *arguments: Any, **values: Any) -> None:
    watch.hear(TASK, getattr(task, "name", "task"), f"{arguments} {values}")


def _answer(watch: Watch, response: Any, _client: Any, **request: Any) -> None:
    hear_answer(watch, request.get("PATH_INFO", ""), response)


def _hear_async(client: Any, log: LogWatch) -> None:
    original = client.request

    async def heard(self: Any, **request: Any) -> Any:
        response = await original(self, **request)
        hear_answer(log.watch, request.get("path", ""), response)
        return response

    client.request = heard


def _hear_asgi(transport: Any, log: LogWatch) -> None:
    """The webhook and the proxy stand before Django, whose test client does not see them."""
    original = transport.handle_async_request

    async def heard(self: Any, request: Any) -> Any:
        response = await original(self, request)
        if (
            request.url.host == "portal.test"
        ):  # the sandbox is called in the same way, and tells secrets all the time
            body = b"".join([part async for part in response.stream])
            log.watch.hear(ANSWER, request.url.path, f"{response.headers}\n{body.decode('utf-8', 'replace')}")
        return response

    transport.handle_async_request = heard
