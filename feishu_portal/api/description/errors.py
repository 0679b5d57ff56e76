"""Every error of the API, and which operation answers with which.

An error is named by its status and its code, ``"409 bot_disabled"``: a code may come with several statuses. Tests hold the
two tables to the code.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from feishu_portal.api.problems import CONTENT_TYPE

Document = dict[str, Any]

LOG_ID: Final = "202611290804060A1B2C3D4E5F60718293"
_LINK: Final = "https://portal.example.com/oauth/start/3vV8lW2m/"
_LATER: Final = "2026-11-29T08:09:06Z"


@dataclass(frozen=True, slots=True)
class ApiError:
    """``members``: what the problem has beside the four of every problem, as an example."""

    status: int
    code: str
    meaning: str
    members: Mapping[str, Any] = field(default_factory=dict)
    has_retry_after: bool = False

    @property
    def name(self) -> str:
        return f"{self.status} {self.code}"

    @property
    def component(self) -> str:
        """The name of its example."""
        return f"{self.status}-{self.code}"

    @property
    def example(self) -> Document:
        """A problem as it is answered."""
        return {
            "type": "about:blank",
            "status": self.status,
            "code": self.code,
            "detail": self.meaning,
            **self.members,
        }


def _again(status: int, code: str, meaning: str, **members: Any) -> ApiError:
    """An error that a repetition may end: its answer says when, in Retry-After."""
    return ApiError(status, code, meaning, members, has_retry_after=True)


_NOT_SENT: Final = {"sent": "no"}
_REFUSED: Final = {
    "cause": "The bot is not in the chat.",
    "cure": "Add the bot to the chat.",
    "reason": None,
    "http_status": 400,
    "platform_code": 230002,
    "log_id": LOG_ID,
    "sent": "no",
}
_NO_ANSWER: Final = {
    "cause": "The platform did not answer.",
    "cure": "Look whether it was carried out, then try again.",
    "reason": "timeout",
    "http_status": None,
    "platform_code": None,
    "log_id": "",
    "sent": "unknown",
}

_ALL: Final = (
    _again(
        202,
        "approval_pending",
        "The person has been asked to approve this call. Once they have, it is carried out, once: wait for its result at url, and "
        "do not send it again.",
        approval="0d8a3c1e-5a54-4a9b-8f0e-2f6b7c9d1e10",
        url="/api/v1/approvals/0d8a3c1e-5a54-4a9b-8f0e-2f6b7c9d1e10",
        expires_at=_LATER,
    ),
    ApiError(400, "invalid_request", "The request cannot be read, e.g. a body that is no JSON object."),
    ApiError(
        400,
        "host_not_allowed",
        "The portal does not answer under this host: see ALLOWED_HOSTS, and the Host that a proxy passes on.",
    ),
    ApiError(400, "invalid_path", "The path can be read in more than one way."),
    ApiError(400, "invalid_query", "The query can be read in more than one way."),
    ApiError(400, "token_in_query", "No token belongs in an address; the portal adds it where it does."),
    ApiError(401, "caller_unauthenticated", "No API key, or one that is unknown, disabled or expired."),
    ApiError(401, "unauthenticated", "The request does not prove that the platform sent it."),
    ApiError(
        403,
        "not_permitted",
        "The API key lacks the scope. For a signed-in operator: the CSRF token is missing.",
        {"scope": "messages:send"},
    ),
    ApiError(403, "https_required", "Use https. A proxy in front has to send X-Forwarded-Proto: https."),
    ApiError(403, "origin_not_allowed", "The request comes from a page of another site."),
    ApiError(
        403,
        "path_not_allowed",
        "The API client's path rules do not allow this call, or it would ask the platform for tokens.",
    ),
    ApiError(403, "approval_denied", "The person has denied this very call a moment ago.", _NOT_SENT),
    ApiError(
        403,
        "approval_impossible",
        "A rule says that a person approves this call, and the bot makes it for nobody.",
        _NOT_SENT,
    ),
    ApiError(
        403,
        "own_card",
        "Somebody is being asked on this card. The portal alone changes it.",
        _NOT_SENT,
    ),
    ApiError(404, "not_found", "There is no such thing, or it is not the key's: both answers are the same."),
    ApiError(404, "token_not_found", "This person has not authorized the bot."),
    ApiError(404, "person_not_found", "The platform knows nobody by this id whom the bot may see."),
    ApiError(
        404,
        "open_id_of_another_app",
        "This open_id belongs to another app: each app knows a person by an open_id of its own.",
    ),
    ApiError(408, "body_too_slow", "The body did not come in time."),
    ApiError(408, "upload_stalled", "The request's body did not come.", {"sent": "unknown"}),
    ApiError(
        409,
        "reauthorization_required",
        "There is no usable access token, and none can be had before the person authorizes again.",
        {
            "reason": "needs_reauth",
            "authorize_url": _LINK,
            "session": "0d8a3c1e-5a54-4a9b-8f0e-2f6b7c9d1e10",
            "link_expires_at": _LATER,
        },
    ),
    ApiError(
        409,
        "tenant_key_required",
        "People of several tenants have this open_id: say whose with the tenant_key.",
    ),
    ApiError(
        409,
        "several_people",
        "The key's bots know different people by this id: name the one that is meant by the union_id.",
    ),
    ApiError(409, "bot_disabled", "The bot is disabled."),
    _again(409, "request_in_progress", "The request with this Idempotency-Key is under way."),
    ApiError(
        409,
        "outcome_unknown",
        "An earlier request with this Idempotency-Key may have been sent, too long ago to be repeated safely.",
    ),
    ApiError(
        409,
        "asked_already",
        "Somebody else has asked the person for these scopes, and the request is open.",
        {"expires_at": _LATER},
    ),
    ApiError(
        409,
        "asked_too_often",
        "The person has declined these scopes or was asked for more often enough for one day.",
    ),
    ApiError(
        409, "batch_not_done", "The batch is not done: wait until it is. One that was cancelled stays so."
    ),
    ApiError(409, "nothing_lacking", "The person has allowed all of these scopes already."),
    ApiError(409, "no_public_url", "PUBLIC_URL is not set, so a browser cannot come back to the portal."),
    ApiError(409, "invalid_scopes", "The bot's scopes are not a list of at most 50 scope names."),
    ApiError(409, "nothing_to_replay", "No handler or subscription of that kind can get the event again."),
    ApiError(
        413,
        "body_too_large",
        "The body is longer than a request may be. Of a call that a person has to approve: longer than 256 KB.",
    ),
    ApiError(414, "address_too_long", "Path and query are longer than 8 KB."),
    ApiError(
        422,
        "invalid_request",
        "The request does not fit the description.",
        {"errors": [{"where": "body.data.text", "message": "Input should be a valid string"}]},
    ),
    ApiError(422, "invalid_content", "The content does not fit what the platform takes."),
    ApiError(
        422,
        "idempotency_key_reused",
        "This Idempotency-Key was used for another request in the past 24 hours.",
    ),
    ApiError(422, "platform_refused", "The platform refused: the request has to be another one.", _REFUSED),
    ApiError(
        424,
        "platform_refused",
        "The platform refused: an administrator has to change something first.",
        _REFUSED,
    ),
    ApiError(
        424,
        "app_misconfigured",
        "The platform gave the bot no token of its own.",
        {"platform_code": 10014, "log_id": LOG_ID},
    ),
    _again(
        429,
        "rate_limited",
        "The platform asked to be called less often, or too many messages wait for the chat.",
        **_NOT_SENT,
    ),
    _again(429, "too_many_calls", "This API client has as many calls under way as it may.", **_NOT_SENT),
    _again(
        429,
        "too_many_approvals",
        "As many calls of this API client wait for the person as may. Wait until some are answered.",
        **_NOT_SENT,
    ),
    _again(429, "too_many_waiting", "Too many callers are waiting. Ask again shortly, or without wait."),
    _again(
        429,
        "too_many_batches",
        "This API client has as many batches under way as it may. Wait until one is done.",
    ),
    _again(429, "too_many_streams", "Too many streams are open."),
    _again(429, "too_many_searches", "Too many searches are under way."),
    ApiError(429, "too_many_requests", "Too many events of the bot. The platform pushes them again."),
    ApiError(500, "internal_error", "Something went wrong in the portal; its log says what."),
    ApiError(500, "not_stored", "The database did not answer in time. The platform pushes the event again."),
    ApiError(502, "upstream_failed", "The platform gave no usable answer.", _NO_ANSWER),
    _again(503, "database_unavailable", "The portal's database does not answer. Ask again shortly."),
    ApiError(503, "database_away", "The portal's database does not answer.", _NOT_SENT),
    _again(
        503,
        "passive",
        "The portal is passive: its database is a copy. Nothing was done.",
        cause="place",
    ),
    _again(503, "overloaded", "The portal has as many such requests under way as it can.", **_NOT_SENT),
    ApiError(503, "secret_sealed", "None of the portal's ENCRYPTION_KEYS opens the bot's secret.", _NOT_SENT),
    ApiError(503, "token_sealed", "None of the portal's ENCRYPTION_KEYS opens this token."),
    _again(
        503,
        "refresh_in_progress",
        "The access token is being refreshed. Try again shortly, or ask with a smaller min_ttl.",
        expires_at=_LATER,
    ),
    _again(
        503,
        "refresh_postponed",
        "The access token could not be refreshed. Nothing is under way before retry_at.",
        retry_at=_LATER,
        expires_at=_LATER,
    ),
    ApiError(503, "search_too_slow", "The search took too long. Narrow the time."),
    _again(503, "platform_refused", "The platform refused; a repetition may succeed.", **_REFUSED),
    ApiError(504, "upstream_failed", "No answer of the platform came in time.", _NO_ANSWER),
)
ERRORS: Final[Mapping[str, ApiError]] = {error.name: error for error in _ALL}

ARRIVING: Final = ("400 host_not_allowed", "403 https_required")
"""Of every request, before it is known what it asks for."""
EVERYWHERE: Final = (
    *ARRIVING, "400 invalid_request", "401 caller_unauthenticated", "403 not_permitted", "422 invalid_request",
    "500 internal_error", "503 database_unavailable",
)  # fmt: skip
"""Of every operation but those of the proxy and the webhook."""
WITH_A_BODY: Final = ("408 body_too_slow", "413 body_too_large")
ACTING: Final = ("503 passive",)
"""Of what changes or hands over something."""

_THING: Final = ("404 not_found",)
_PLATFORM: Final = (
    "424 platform_refused", "429 rate_limited", "502 upstream_failed", "503 platform_refused", "504 upstream_failed",
)  # fmt: skip
SENDING: Final = (
    *_THING, *_PLATFORM, "409 bot_disabled", "409 outcome_unknown", "409 request_in_progress", "422 idempotency_key_reused",
    "422 invalid_content", "422 platform_refused", "503 overloaded", "503 secret_sealed",
)  # fmt: skip
_PERSON: Final = (*_THING, "404 open_id_of_another_app", "404 token_not_found", "409 tenant_key_required")
_REFRESHING: Final = (
    "409 bot_disabled", "409 reauthorization_required", "503 refresh_in_progress", "503 refresh_postponed", "503 token_sealed",
)  # fmt: skip
OWN: Final[Mapping[str, tuple[str, ...]]] = {
    "list_bots": (),
    "get_bot": _THING,
    "list_incidents": _THING,
    "list_users": _THING,
    "get_person": (*_THING, "409 several_people"),
    "issue_token": (*_PERSON, *_REFRESHING),
    "revoke_token": _PERSON,
    "send_message": SENDING,
    "reply": SENDING,
    "update_card": SENDING,
    "create_message_batch": (
        *_THING, "409 bot_disabled", "409 request_in_progress", "422 idempotency_key_reused", "422 invalid_content",
        "429 too_many_batches",
    ),
    "list_message_batches": _THING,
    "get_message_batch": _THING,
    "list_batch_recipients": _THING,
    "retry_message_batch": (*_THING, "409 batch_not_done"),
    "cancel_message_batch": _THING,
    "list_card_templates": _THING,
    "get_card_template": _THING,
    "take_alerts": (
        *_THING, *_PLATFORM, "409 bot_disabled", "422 platform_refused", "503 overloaded", "503 secret_sealed",
    ),
    "list_events": (*_THING, "429 too_many_searches", "503 search_too_slow"),
    "get_event": _THING,
    "replay_event": (*_THING, "409 nothing_to_replay"),
    "get_subscription": _THING,
    "fetch_events": (*_THING, "429 too_many_waiting"),
    "stream_events": (*_THING, "429 too_many_streams"),
    "ack_events": _THING,
    "create_session": (
        *_THING, *_PLATFORM, "404 person_not_found", "409 asked_already", "409 asked_too_often", "409 bot_disabled",
        "409 invalid_scopes", "409 no_public_url", "409 nothing_lacking", "409 tenant_key_required", "422 platform_refused",
        "503 overloaded", "503 secret_sealed",
    ),
    "get_session": (*_THING, "429 too_many_waiting"),
    "get_approval": (*_THING, "429 too_many_waiting", "503 token_sealed"),
    "delete_session": _THING,
    "connect_bot": (),
    "disconnect_bot": (),
    "bot_status": (),
    "all_statuses": (),
}  # fmt: skip
"""By the operation's name."""

PROXY_APP: Final = (
    *ARRIVING, *ACTING, "400 invalid_path", "400 invalid_query", "400 token_in_query", "401 caller_unauthenticated",
    "403 approval_impossible", "403 not_permitted", "403 own_card", "403 path_not_allowed", "404 not_found",
    "408 upload_stalled", "409 bot_disabled",
    "414 address_too_long", "424 app_misconfigured", "429 rate_limited", "429 too_many_calls", "500 internal_error",
    "502 upstream_failed", "503 database_away", "503 overloaded", "503 token_sealed", "504 upstream_failed",
)  # fmt: skip
PROXY_USER: Final = (
    *PROXY_APP, *_PERSON, *_REFRESHING, "202 approval_pending", "403 approval_denied", "413 body_too_large",
    "429 too_many_approvals",
)  # fmt: skip
WEBHOOK: Final = (
    *ARRIVING, *ACTING, "401 unauthenticated", "408 body_too_slow", "413 body_too_large", "429 too_many_requests",
    "500 internal_error", "500 not_stored", "503 overloaded",
)  # fmt: skip


def problems(names: Iterable[str], *, schema: str = "Problem") -> Document:
    """The responses that answer with these errors, by status: the codes in words, and an example of each."""
    by_status: dict[str, list[ApiError]] = {}
    for error in sorted((ERRORS[name] for name in set(names)), key=lambda error: error.name):
        by_status.setdefault(str(error.status), []).append(error)
    return {status: _response(errors, schema) for status, errors in by_status.items()}


def _response(errors: list[ApiError], schema: str) -> Document:
    headers = ["X-Request-ID"]
    if any(error.has_retry_after for error in errors):
        headers.append("Retry-After")
    if any(error.code == "caller_unauthenticated" for error in errors):
        headers.append("WWW-Authenticate")
    return {
        "description": "\n".join(f"- `{error.code}`: {error.meaning}" for error in errors),
        "headers": references("headers", headers),
        "content": {
            CONTENT_TYPE: {
                "schema": {"$ref": f"#/components/schemas/{schema}"},
                "examples": {
                    error.code: {"$ref": f"#/components/examples/{error.component}"} for error in errors
                },
            }
        },
    }


def references(kind: str, names: Iterable[str]) -> Document:
    """References to components of one kind, by name."""
    return {name: {"$ref": f"#/components/{kind}/{name}"} for name in names}
