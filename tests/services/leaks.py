"""Secrets where they do not belong, looked for in whatever a test makes the portal say.

Every value that the portal seals is a secret, and so is every API key it makes, every authorization code and gateway
ticket of the sandbox, every state, one-time link and browser's half of one, what an agent is given, and every recovery code:
whatever the test, the factories or the sandbox made up is known here from the moment it exists. Looked for is the value as it
is, URL-encoded, and within base64, wherever in it the value begins. What other processes answer is searched for the shapes of tokens and keys as well.
"""

import base64
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

SHORTEST = 8  # characters; what is shorter is a word and no secret
LOG, TASK, ANSWER = "log", "task message", "answer"

# What the sandbox, like the platform, makes of a token, and the portal of an API key, an agent's token and a signing secret.
_SHAPES = re.compile(
    r"\beyJ[\w-]{8,}\.[\w-]{20,}|\b(?:t|u|ur)-[A-Za-z0-9]{30,}|\bfp(?:_[0-9a-f]{8}|[ar])_[\w-]{30,}|\bwhsec_[\w+/]{30,}"
)
_PORTAL = re.compile(
    r"/(?:$|(?:admin|api|proxy|live|healthz|metrics|mcp|i18n)(?:/|$)|oauth/(?:start|callback|my|live|agents|approvals)(?:/|$))"
)
"""Paths of the portal; the sandbox has others, on which it tells secrets all the time."""
CODE, STATE, TICKET = "authorization code", "state", "gateway ticket"
BROWSER = "browser's half of a link"
VISIT = "browser's proof of who visits a page"
SELF_SERVICE, SETUP = "link to a person's own page", "link of the first operator"
AGENT_CODE, AGENT_TOKEN = "agent's code", "agent's token"
RECOVERY = "recovery code"

# Where a value is told to the one it is for: kind of secret, place, path.
_LINKS = r"/(?:(?:api/v1/(?:.*/)?auth-sessions|admin/auth_sessions|oauth)(?:/.*)?|mcp)"
BELONGS = (
    ("auth_sessions.usertoken.access_token", ANSWER, re.compile(r"/api/v1/bots/[^/]+/users/[^/]+/token")),
    (
        "auth_sessions.authsession.start_token",
        ANSWER,
        re.compile(r"/(?:(?:api/v1|admin|oauth|proxy)/.*|mcp)"),
    ),
    ("auth_sessions.deviceconsent.user_code", ANSWER, re.compile(_LINKS)),
    ("auth_sessions.deviceconsent.verification_uri", ANSWER, re.compile(_LINKS)),
    ("events.subscription.secret", ANSWER, re.compile(r"/admin/events/subscription/.*")),
    ("access.totpdevice.secret", ANSWER, re.compile(r"/admin/security/app/")),
    ("api key", ANSWER, re.compile(r"/admin/access/apiclient/.*")),
    (
        STATE,
        ANSWER,
        re.compile(
            r"/oauth/(?:start/.*|agents/authorize/|approvals/[^/]+/)|/admin/(?:login|security)/(?:.*/)?feishu/"
        ),
    ),
    (AGENT_CODE, ANSWER, re.compile(r"/oauth/agents/consent/[^/]+/")),
    (AGENT_TOKEN, ANSWER, re.compile(r"/oauth/agents/token/")),
    # Where it is made; and whoever mistyped one finds it in the form again.
    (RECOVERY, ANSWER, re.compile(r"/admin/(?:security/codes|login/second-step)/")),
    (SETUP, ANSWER, re.compile(r"/admin/setup/")),
    (BROWSER, ANSWER, re.compile(r"/oauth/(?:start/.*|agents/authorize/|approvals/[^/]+/)")),
    (VISIT, ANSWER, re.compile(r"/oauth/callback/[^/]+/")),
    (SELF_SERVICE, ANSWER, re.compile(r"/oauth/my/[\w-]{16,}/")),
    # An official SDK begins with it, and gets back what it sent.
    ("api key", ANSWER, re.compile(r"/proxy/.*/auth/v3/(?:app|tenant)_access_token/internal/?")),
)
# Where tokens and keys of any kind may stand in the answer of a process of which nobody here knows the secrets.
_TELLING = re.compile(
    r"/(?:api/v1/bots/[^/]+/users/[^/]+/token|admin/(?:access/apiclient|events/subscription)/.*|proxy/.*/auth/v3/.*"
    r"|oauth/agents/token/)"
)


@dataclass
class Said:
    """Something that left the portal: at which place, as what, and the text."""

    place: str
    name: str
    text: str
    is_foreign: bool = False
    """Whether another process said it, whose secrets are known by their shape alone."""


@dataclass
class Watch:
    """What was kept secret and what was said, in one test."""

    secrets: dict[str, str] = field(default_factory=dict)
    """The kind of each value."""
    said: list[Said] = field(default_factory=list)

    def keep(self, value: str, kind: str) -> None:
        if len(value) >= SHORTEST:
            self.secrets[value] = kind

    def hear(self, place: str, name: str, text: str, *, is_foreign: bool = False) -> None:
        self.said.append(Said(place, name, text, is_foreign))

    def leaks(self) -> list[str]:
        """A sentence for each secret at each place where it does not belong."""
        found = {
            f"{kind} in {said.place} ({said.name}), {how}: {value[:4]}…"
            for said in self.said
            for value, kind in self.secrets.items()
            if not belongs(kind, said)
            for how in ways_found(value, said.text)
        }
        found |= {
            f"what looks like a token or a key in {said.place} ({said.name})"
            for said in self.said
            if said.is_foreign and looks_like_a_secret(said.text) and not _TELLING.fullmatch(said.name)
        }
        return sorted(found)


def belongs(kind: str, said: Said) -> bool:
    return any(
        kind == allowed and said.place == place and path.fullmatch(said.name)
        for allowed, place, path in BELONGS
    )


def is_of_the_portal(path: str) -> bool:
    return _PORTAL.match(path) is not None


def looks_like_a_secret(text: str) -> bool:
    """For what another process printed, of which nobody here knows what it keeps secret."""
    return _SHAPES.search(text) is not None


def tells_secrets(command: str) -> bool:
    """Whether it is for that that somebody runs the command."""
    return command.startswith("manage.py addapiclient")


def ways_found(value: str, text: str) -> Iterator[str]:
    """In which forms ``value`` is in ``text``."""
    for how, forms in _forms(value):
        if any(form in text for form in forms):
            yield how


@lru_cache(maxsize=4096)
def _forms(value: str) -> tuple[tuple[str, frozenset[str]], ...]:
    return (
        ("as it is", frozenset({value})),
        ("URL-encoded", frozenset({quote(value), quote(value, safe=""), quote_plus(value)}) - {value}),
        ("in base64", frozenset(_within_base64(value.encode()))),
    )


def _within_base64(value: bytes) -> Iterator[str]:
    """What base64 makes of ``value`` behind 0, 1 or 2 other bytes, without the letters that its neighbours have a part in."""
    for before in range(3):
        letters = base64.b64encode(bytes(before) + value).decode()
        whole = letters[-(-before * 8 // 6) : (before + len(value)) * 8 // 6]
        yield whole
        yield whole.translate(str.maketrans("+/", "-_"))


class LogWatch(logging.Handler):
    """Hears every log line as the portal writes it: with its fields, after its redaction."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.watch = Watch()
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        self.watch.hear(LOG, record.name, self.format(record))


def hear_answer(watch: Watch, path: str, response: Any) -> None:
    """A response of Django's test client: body and headers."""
    body = b"" if response.streaming else response.content
    watch.hear(ANSWER, path, f"{response.headers}\n{body.decode('utf-8', 'replace')}")
