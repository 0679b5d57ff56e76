"""The pages and what they load."""

import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from feishu.scopes import scope_text
from feishu.text import Text
from sandbox.config import PersonConfig
from sandbox.errors import ControlError
from sandbox.pages import consents, registrations, words
from sandbox.platform.api_front import sign
from sandbox.platform.registration import PAGE
from sandbox.platform.resources import image_type
from sandbox.state import sandbox_of
from sandbox.world import ids
from sandbox.world.avatars import avatar, colour
from sandbox.world.calls import masked_query
from sandbox.world.portraits import portrait
from sandbox.world.world import World

Page: TypeAlias = Callable[[Request], Awaitable[Response]]

PERSON_COOKIE = "sandbox_person"
LANGUAGE_COOKIE = "sandbox_lang"
_KEPT_FOR_A_DAY = {"Cache-Control": "max-age=86400"}
_HERE = Path(__file__).parent

templates = Jinja2Templates(directory=_HERE / "templates")
templates.env.globals["avatar_colour"] = colour


async def client(request: Request) -> Response:
    return render(request, "client.html")


def _platform_page(page: Page) -> Page:
    """A page of the platform itself: has a log id and is in the log of calls."""

    async def recorded(request: Request) -> Response:
        world, log_id, started = sandbox_of(request).world, ids.log_id(), time.perf_counter()
        at = world.now_ms
        response = await page(request)
        sign(response, log_id)
        query = masked_query(request.url.query)
        call = world.calls.add(
            kind="page",
            at=at,
            method=request.method,
            path=f"{request.url.path}?{query}" if query else request.url.path,
            status=response.status_code,
            code=None,
            ms=round((time.perf_counter() - started) * 1000, 1),
            log_id=log_id,
            app_id=request.query_params.get("client_id") or request.query_params.get("app_id", ""),
            request=None,
            response=None,
        )
        world.watchers.tell("call", call=call)
        return response

    return recorded


@_platform_page
async def consent(request: Request) -> Response:
    """`GET /open-apis/authen/v1/authorize`."""
    world = sandbox_of(request).world
    try:
        asked = consents.read(world, request.query_params)
    except consents.ConsentProblem as problem:
        return _problem(request, problem)
    return _consent_page(
        request, asked.app.app_id, asked.scopes, action=f"/sandbox/consent?{request.url.query}"
    )


async def decide_consent(request: Request) -> Response:
    """The buttons of the consent page."""
    world = sandbox_of(request).world
    form = await form_of(request)
    try:
        asked = consents.read(world, request.query_params)
        person = _person_of(world, form.get("person", ""))
        target = consents.decide(world, asked, person.id, _decision(form))
    except consents.ConsentProblem as problem:
        return _problem(request, problem)
    return RedirectResponse(target, status_code=302)


@_platform_page
async def device(request: Request) -> Response:
    """Where a person types the code that a device shows them."""
    world = sandbox_of(request).world
    typed = request.query_params.get("user_code", "")
    waiting = world.authorizations.device_by_user_code(typed) if typed else None
    if waiting is None:
        return render(request, "device.html", typed=typed, outcome="unknown" if typed else "")
    return _consent_page(
        request, waiting.app_id, tuple(waiting.scopes), action="/sandbox/device", user_code=waiting.user_code
    )


async def decide_device(request: Request) -> Response:
    """The buttons of the consent page, when it was opened by a device code."""
    world = sandbox_of(request).world
    form = await form_of(request)
    waiting = world.authorizations.device_by_user_code(form.get("user_code", ""))
    if waiting is None:
        return render(request, "device.html", typed=form.get("user_code", ""), outcome="unknown")
    person = _person_of(world, form.get("person", ""))
    consents.decide_device(world, waiting, person.id, _decision(form))
    return render(request, "device.html", typed="", outcome=waiting.decision)


@_platform_page
async def registration(request: Request) -> Response:
    """Where the QR code of an app registration leads."""
    world = sandbox_of(request).world
    try:
        asked = registrations.read(world, request.query_params)
    except ControlError as problem:
        return render(request, "registration.html", status=problem.status, problem=problem.message)
    asked.registration.brand = person_of(request).tenant_brand
    return render(
        request,
        "registration.html",
        asked=asked,
        apps=list(world.apps.values()),
        people=[p for p in world.people.values() if p.status == "active"],
        scopes=[(scope, scope_text(scope)) for scope in registrations.scopes_of(asked)],
        query=request.url.query,
    )


async def decide_registration(request: Request) -> Response:
    """The buttons of that page."""
    world, form = sandbox_of(request).world, await form_of(request)
    try:
        asked = registrations.read(world, request.query_params)
        if _decision(form) == "deny":
            registrations.deny(asked)
            return render(request, "registration.html", outcome="denied")
        person = _person_of(world, form.get("person", ""))
        app = registrations.make(
            world, asked, person, name=form.get("name", ""), app_id=form.get("app_id", "")
        )
    except ControlError as problem:
        return render(request, "registration.html", status=problem.status, problem=problem.message)
    return render(request, "registration.html", outcome="made", app=app)


async def become(request: Request) -> Response:
    """Change who is logged in to the stand-in of Feishu."""
    response = RedirectResponse(_next(request), status_code=303)
    response.set_cookie(PERSON_COOKIE, request.path_params["person_id"], samesite="lax", path="/")
    return response


async def speak(request: Request) -> Response:
    """Change the language of the pages."""
    response = RedirectResponse(_next(request), status_code=303)
    response.set_cookie(LANGUAGE_COOKIE, request.path_params["language"], samesite="lax", path="/")
    return response


async def picture(request: Request) -> Response:
    """Of a bot or a group."""
    return Response(avatar(request.path_params["name"]), media_type="image/svg+xml", headers=_KEPT_FOR_A_DAY)


async def picture_of_person(request: Request) -> Response:
    return Response(portrait(request.path_params["name"]), media_type="image/png", headers=_KEPT_FOR_A_DAY)


async def resource(request: Request) -> Response:
    """A picture or a file of a message, for the client."""
    found = sandbox_of(request).world.resources.get(request.path_params["key"])
    if found is None:
        return Response(status_code=404)
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=86400"}
    media_type = image_type(found.content)
    if media_type is None:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(found.name or found.key)}"
    return Response(found.content, media_type=media_type or "application/octet-stream", headers=headers)


async def news(request: Request) -> Response:
    """Server-sent events for an open page."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    stream = sandbox_of(request).world.watchers.listen()
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


def page_routes() -> list[BaseRoute]:
    return [
        Route("/", client),
        Route("/open-apis/authen/v1/authorize", consent, methods=["GET"]),
        Route("/open-apis/authen/v1/index", consent, methods=["GET"]),
        Route("/oauth/v1/device/verify", device, methods=["GET"]),
        Route(PAGE, registration, methods=["GET"]),
        Route("/sandbox/registration", decide_registration, methods=["POST"]),
        Route("/sandbox/consent", decide_consent, methods=["POST"]),
        Route("/sandbox/device", decide_device, methods=["POST"]),
        Route("/sandbox/person/{person_id}", become),
        Route("/sandbox/language/{language}", speak),
        Route("/sandbox/avatar/{name}.svg", picture),
        Route("/sandbox/portrait/{name}.png", picture_of_person),
        Route("/sandbox/resource/{key}", resource),
        Route("/sandbox/events", news),
        Mount("/sandbox/static", StaticFiles(directory=_HERE / "static")),
    ]


def person_of(request: Request) -> PersonConfig:
    """Who is logged in: by the cookie, else the first person there is."""
    return _person_of(sandbox_of(request).world, request.cookies.get(PERSON_COOKIE, ""))


def _person_of(world: World, person_id: str) -> PersonConfig:
    return world.people.get(person_id) or next(iter(world.people.values()))


def _language_of(request: Request) -> str:
    """As the person has chosen, else what their browser names first of the two."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen is None:
        wanted = re.findall(r"\b(zh|en)\b", request.headers.get("accept-language", "").lower())
        chosen = wanted[0] if wanted else "zh"
    return "en" if chosen == "en" else "zh-hans"


def _consent_page(
    request: Request, app_id: str, scopes: tuple[str, ...], *, action: str, user_code: str = ""
) -> Response:
    world = sandbox_of(request).world
    app = world.apps[app_id]
    grant = world.authorizations.grants.get((app_id, person_of(request).id))
    granted = set(grant.scopes) if grant else set()
    return render(
        request,
        "consent.html",
        app=app,
        app_name=Text(app.name, app.en_name or app.name).in_language(_language_of(request)),
        people=[p for p in world.people.values() if p.status == "active"],
        scopes=[(scope, scope_text(scope), scope in granted) for scope in scopes],
        action=action,
        user_code=user_code,
    )


def _problem(request: Request, problem: consents.ConsentProblem) -> Response:
    return render(request, "problem.html", status=400, code=problem.code, text=problem.text)


def render(request: Request, name: str, *, status: int = 200, **context: Any) -> Response:
    language = _language_of(request)
    person = person_of(request)
    return templates.TemplateResponse(
        request,
        name,
        {
            "t": words.translator(language),
            "language": language,
            "me": person,
            "my_name": Text(person.name, person.en_name or person.name).in_language(language),
            "here": f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path,
            **context,
        },
        status_code=status,
        headers={"Cache-Control": "no-store"},
    )


async def form_of(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace")))


def _decision(form: dict[str, str]) -> consents.Decision:
    return "allow" if form.get("decision") == "allow" else "deny"


def _next(request: Request) -> str:
    """A page of this sandbox, never another site."""
    target = request.query_params.get("next", "/")
    return target if target.startswith("/") and not target.startswith("//") else "/"
