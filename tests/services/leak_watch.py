"""The ears of `leaks` in this process: put in once, for the whole session."""

import atexit
import functools
import itertools
import logging
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.services.leaks import (
    AGENT_CODE,
    AGENT_TOKEN,
    ANSWER,
    BROWSER,
    CODE,
    RECOVERY,
    SELF_SERVICE,
    SETUP,
    STATE,
    TASK,
    TICKET,
    VISIT,
    LogWatch,
    Watch,
    hear_answer,
    is_of_the_portal,
)
from tests.services.recordings import hear_recording


def install() -> LogWatch:
    """Every value that is sealed, every key, code, state, ticket and link that is made, every answer of a test client, of an ASGI
    application and of a process, every page that a browser gets, every task message and every log line from now on."""
    import httpx2  # noqa: PLC0415 -- after Django's setup
    from celery import Celery  # noqa: PLC0415 -- after Django's setup
    from celery.app.task import Task  # noqa: PLC0415 -- after Django is set up
    from django.test import AsyncClient, Client  # noqa: PLC0415 -- after Django is set up

    from auth_sessions.domain import (  # noqa: PLC0415 -- after Django is set up
        consent,
        operator_sign_in,
        page_sign_in,
        self_service,
    )
    from auth_sessions.domain.agents import consent as agents_consent  # noqa: PLC0415 -- after Django is set up
    from auth_sessions.domain.agents import tokens as agents_tokens  # noqa: PLC0415 -- after Django is set up
    from auth_sessions.pages import consent as consent_pages  # noqa: PLC0415 -- after Django is set up
    from auth_sessions.pages import page_sign_in as page_visits  # noqa: PLC0415 -- after Django is set up
    from auth_sessions.pages.agents import consent as agents_pages  # noqa: PLC0415 -- after Django is set up
    from core.access import api_keys, setup_link  # noqa: PLC0415 -- after Django is set up
    from core.access.second_factors import recovery_codes  # noqa: PLC0415 -- after Django is set up
    from core.vault import fields  # noqa: PLC0415 -- after Django is set up
    from sandbox.world import ids  # noqa: PLC0415 -- after Django is set up

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
    told(ids, "authorization_code", lambda watch, code: watch.keep(code, CODE))
    told(ids, "ticket", lambda watch, ticket: watch.keep(ticket, TICKET))
    told(consent, "authorize_url", lambda watch, _url, *_rest, state, **_values: watch.keep(state, STATE))
    told(consent_pages, "open_link", lambda watch, opened, **_values: watch.keep(opened.browser, BROWSER))
    told(page_visits, "begin", lambda watch, begun, *_bot, **_values: watch.keep(begun[1], BROWSER))
    told(page_visits, "finish", lambda watch, finished, **_values: watch.keep(finished.browser, VISIT))
    for signing_in in (operator_sign_in, agents_consent, page_sign_in):
        told(
            signing_in, "sign_in_page", lambda watch, _url, *_bot, state, **_values: watch.keep(state, STATE)
        )
    for module, kind in (
        (self_service, SELF_SERVICE),  # the browser's half of it as well
        (agents_tokens, AGENT_TOKEN),
        (agents_pages, BROWSER),
    ):
        told(module, "new_secret", lambda watch, secret, kind=kind: watch.keep(secret, kind))
    told(agents_consent, "_back", lambda watch, _url, *_to, code="", **_: watch.keep(code, AGENT_CODE))
    # Its callers may have the function's name by now.
    told(setup_link, "urlencode", lambda watch, _query, values: watch.keep(values["token"], SETUP))
    told(recovery_codes, "make_codes", _recovery_codes)
    told(Task, "apply_async", _task)
    told(Celery, "send_task", _task)
    told(Client, "request", _answer)
    _hear_async(AsyncClient, log)
    _hear_asgi(httpx2.ASGITransport, log)
    told(httpx2.Client, "send", _process_answer)
    _hear_browsers(log)
    return log


def _sealed(watch: Watch, _result: Any, column: Any, instance: Any, plaintext: str) -> None:
    watch.keep(plaintext, f"{instance._meta.label_lower}.{column.name}")


def _recovery_codes(watch: Watch, codes: Any, *_arguments: Any) -> None:
    for code in codes:
        watch.keep(code, RECOVERY)


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


def _process_answer(watch: Watch, response: Any, _client: Any, request: Any, **values: Any) -> None:
    """What a process of the portal answers to a test."""
    if is_of_the_portal(request.url.path) and not values.get("stream"):
        watch.hear(ANSWER, request.url.path, f"{response.headers}\n{response.text}", is_foreign=True)


def _hear_browsers(log: LogWatch) -> None:
    """Every context of a browser records what it gets; the recording is searched when the context is closed. What comes by
    WebSocket is heard at once."""
    from playwright.sync_api import Browser, BrowserContext  # noqa: PLC0415 -- takes a while, as Django does

    directory = Path(tempfile.mkdtemp(prefix="recordings-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    numbers = itertools.count()
    new_context, close = Browser.new_context, BrowserContext.close
    recordings: dict[int, Path] = {}

    def received(url: str, text: str | bytes) -> None:
        if is_of_the_portal(path := urlsplit(url).path):
            log.watch.hear(ANSWER, path, str(text), is_foreign=True)

    def opened(page: Any) -> None:
        page.on(
            "websocket",
            lambda socket: socket.on("framereceived", functools.partial(received, socket.url)),
        )

    @functools.wraps(new_context)
    def recorded(self: Any, **values: Any) -> Any:
        path = directory / f"{next(numbers)}.har"
        context = new_context(self, record_har_path=path, record_har_content="embed", **values)
        context.on("page", opened)
        recordings[id(context)] = path
        return context

    @functools.wraps(close)
    def closed(self: Any, **values: Any) -> None:
        close(self, **values)
        if path := recordings.pop(id(self), None):
            hear_recording(log.watch, path)
            path.unlink()

    Browser.new_context, BrowserContext.close = recorded, closed  # type: ignore[method-assign]
