"""JSON and other long text on a page, with secrets masked."""

import json
from typing import Any

from django.utils.html import format_html

from core.console.columns import EMPTY
from core.vault.redaction import MAX_TEXT, redact


def json_block(value: Any) -> str:
    """A block of indented JSON with secrets masked."""
    if value in (None, {}, []):
        return EMPTY
    return text_block(json.dumps(redact(value), ensure_ascii=False, indent=2))


def text_block(text: str) -> str:
    """A block of preformatted text, cut where a page would become too long. Half a surrogate pair, which JSON can spell and
    no page can hold, is shown as JSON spells it."""
    cut = text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}\n…"
    return format_html('<pre class="portal-block">{}</pre>', cut.encode(errors="backslashreplace").decode())
