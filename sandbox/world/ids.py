"""Identifiers shaped like the platform's: what they begin with, how long they are, for whom they are unique.

Ids of people and of their chats are derived, so that they survive a restart of the sandbox; all others are random.
"""

import base64
import hashlib
import secrets
import string
import time
import uuid
from collections.abc import Iterable

_ALPHANUMERIC = string.ascii_lowercase + string.digits
ROOT_DEPARTMENT = "0"
_JWT_HEADER = '{"alg":"ES256","feature_code":"FeatureOAuthJWTSign_CN","kid":"sandbox","typ":"JWT"}'


def open_id(app_id: str, person_id: str) -> str:
    """A person as one app knows them."""
    return f"ou_{_digest('open', app_id, person_id)}"


def union_id(person_id: str) -> str:
    """A person as all apps of one developer know them."""
    return f"on_{_digest('union', person_id)}"


def open_department_id(department_id: str) -> str:
    """A department as all apps know it; the company itself is the department 0."""
    if department_id == ROOT_DEPARTMENT:
        return ROOT_DEPARTMENT
    return f"od-{_digest('department', department_id)}"


def email(person_id: str) -> str:
    return f"{person_id}@example.test"


def bot_open_id(app_id: str) -> str:
    return f"ou_{_digest('bot', app_id)}"


def p2p_chat_id(app_id: str, person_id: str) -> str:
    return f"oc_{_digest('chat', app_id, person_id)}"


def people_chat_id(people: Iterable[str]) -> str:
    return f"oc_{_digest('people', *people)}"


def group_chat_id() -> str:
    return f"oc_{secrets.token_hex(16)}"


def message_id() -> str:
    return f"om_{secrets.token_hex(16)}"


def reaction_id() -> str:
    return "ZCaCIjUBVVWSrm5L-" + secrets.token_hex(20)


def card_id() -> str:
    return str(7_350_000_000_000_000_000 + secrets.randbelow(10**17))


def hook_token() -> str:
    return str(uuid.uuid4())


def thread_id() -> str:
    return f"omt_{secrets.token_hex(8)}"


def event_id() -> str:
    return secrets.token_hex(16)


def callback_token() -> str:
    return f"c-{secrets.token_hex(20)}"


def preview_token() -> str:
    return str(uuid.uuid4())


def tenant_token() -> str:
    return "t-g1" + "".join(secrets.choice(_ALPHANUMERIC) for _ in range(38))


def user_token() -> str:
    """An opaque token that looks like a JWT of 1 to 2 KB, as user and refresh tokens do."""
    header = base64.urlsafe_b64encode(_JWT_HEADER.encode()).rstrip(b"=").decode()
    return f"{header}.{secrets.token_urlsafe(800 + secrets.randbelow(400))}.{secrets.token_urlsafe(64)}"


def older_token(prefix: str) -> str:
    """A user or refresh token as the endpoints of version 1 hand it out."""
    return prefix + "".join(secrets.choice(_ALPHANUMERIC) for _ in range(38))


def authorization_code() -> str:
    return secrets.token_urlsafe(36)


def user_code() -> str:
    letters = "BCDFGHJKLMNPQRSTVWXZ"
    half = ["".join(secrets.choice(letters) for _ in range(4)) for _ in range(2)]
    return "-".join(half)


def ticket() -> str:
    return str(uuid.uuid4())


def device_id() -> str:
    return str(7_400_000_000_000_000_000 + secrets.randbelow(10**17))


def frame_message_id() -> str:
    return str(uuid.uuid4())


def log_id() -> str:
    return time.strftime("%Y%m%d%H%M%S") + secrets.token_hex(10).upper()


def fingerprint(secret: str) -> str:
    """Names a token in the books without showing it."""
    return hashlib.sha256(secret.encode()).hexdigest()[:12]


def _digest(*parts: str) -> str:
    return hashlib.blake2s("\0".join(parts).encode(), digest_size=16).hexdigest()
