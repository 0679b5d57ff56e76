"""What a person wrote or clicked, as the event's page shows it."""

from collections.abc import Iterator
from typing import Any, Final

from django.template.loader import render_to_string
from django.utils.translation import gettext

from core.console.rendering import EMPTY
from core.console.sentences import in_language
from core.vault.redaction import redact, redact_text
from events.models import Event
from feishu.callbacks import CLICKS
from feishu.card_buttons import action_of
from feishu.message_parts import KIND_NAMES, MessagePart, paragraphs_of
from feishu.text import KEYS

MAX_FIELDS: Final = 50
"""Of a form that was filled in."""
MAX_VALUE: Final = 2_000


def message(event: Event) -> str:
    """As HTML: the message or the click; empty for an event that is neither, or that cannot be read."""
    try:
        data = event.data if isinstance(event.envelope, dict) else {}
    except (ValueError, RecursionError):
        return EMPTY
    written = data.get("message")
    if isinstance(written, dict) and "content" in written:
        kind = str(written.get("message_type") or "")
        name = KIND_NAMES.get(kind)
        lines = paragraphs_of(written, in_language(KEYS))
        paragraphs = [[_shown(part) for part in line] for line in lines]
        context = {"kind": in_language(name) if name else kind, "paragraphs": paragraphs}
        return render_to_string("admin/events/event/message.html", context)
    if event.event_type in CLICKS:
        return render_to_string("admin/events/event/message.html", {"facts": list(_click(data))})
    return EMPTY


def _shown(part: MessagePart) -> dict[str, str]:
    """Without secrets; an address becomes a link where it is one of the web."""
    is_web = part.href.lower().startswith(("https://", "http://"))
    return {
        "kind": part.kind,
        "text": redact_text(part.text),
        "href": redact_text(part.href) if is_web else "",
    }


def _click(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What was clicked, chosen and filled in."""
    action = data.get("action")
    if not isinstance(action, dict):
        return
    yield gettext("Clicked"), redact_text(action_of(action)) or str(action.get("tag") or EMPTY)
    for name in ("option", "options", "input_value", "checked"):
        if (value := action.get(name)) not in (None, "", []):
            yield gettext("Chosen"), _value(name, value)
    form = action.get("form_value")
    for name, value in list(form.items())[:MAX_FIELDS] if isinstance(form, dict) else ():
        yield str(name), _value(str(name), value)


def _value(name: str, value: Any) -> str:
    hidden = redact(value, name=name)
    text = ", ".join(map(str, hidden)) if isinstance(hidden, list) else str(hidden)
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"
