"""JSON for people to read, with whatever is secret masked."""

import json
import re
from typing import Any

from django.utils.html import format_html

MASK = "••••••"
MAX_SHOWN = 100_000  # characters; the platform's events are smaller, a page should stay one

_SECRET_KEY = re.compile(
    r"(secret|password|passwd|authorization|cookie|ticket|verifier|token|encrypt|access_key|api_key)",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(
    r'("[^"]*(?:secret|password|authorization|ticket|token|encrypt)[^"]*"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^\s,}\]]+)',
    re.IGNORECASE,
)


def masked(value: Any) -> Any:
    """``value`` with the strings and numbers under secret keys replaced, at any depth, JSON within strings included."""
    if isinstance(value, dict):
        return {key: MASK if _hides(str(key), item) else masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    return _masked_string(value) if isinstance(value, str) and value[:1] in {"{", "["} else value


def _masked_string(text: str) -> str:
    """JSON within a string, as the platform writes a message's content: its characters as such, its secrets masked."""
    try:
        inner = json.loads(text)
    except (ValueError, RecursionError):
        return masked_text(text)
    return json.dumps(masked(inner), ensure_ascii=False)


def masked_text(text: str) -> str:
    """Text that looks like JSON but need not be, with the values of secret keys replaced."""
    return _SECRET_TEXT.sub(rf'\1"{MASK}"', text)


def json_block(value: Any) -> str:
    """A block of indented JSON with secrets masked."""
    if value in (None, {}, []):
        return "—"
    return text_block(json.dumps(masked(value), ensure_ascii=False, indent=2, default=str))


def text_block(text: str) -> str:
    """A block of preformatted text, cut where a page would become too long. Half a surrogate pair, which JSON can spell and
    no page can hold, is shown as JSON spells it."""
    cut = text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}\n…"
    return format_html('<pre class="portal-block">{}</pre>', cut.encode(errors="backslashreplace").decode())


def _hides(key: str, value: Any) -> bool:
    return bool(_SECRET_KEY.search(key)) and value not in (None, "") and not isinstance(value, bool)
