"""How values look in lists and on pages: times as distances, ids, errors with their cure, JSON with secrets masked."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.access.actors import Actor
from core.console.sentences import in_language
from core.vault.redaction import MAX_TEXT, redact
from feishu.codes import CodeInfo, explain
from feishu.scopes import scope_text

EMPTY: Final = "—"
OPEN_SCOPES: Final = 12
"""Scopes of a long list that stand open; the others unfold."""
ACTORS: Final = {
    "operator": _("Operator"),
    "api": _("API client"),
    "user": _("User"),
    "command": _("Command"),
    "platform": _("Feishu"),
    "system": _("Portal"),
}


def ago(moment: datetime | None) -> str:
    """The distance to now, with the exact time in the title."""
    if moment is None:
        return EMPTY
    now = timezone.now()
    if abs((now - moment).total_seconds()) < 60:
        text = gettext("just now") if moment <= now else gettext("in a moment")
    elif moment < now:
        text = gettext("%(distance)s ago") % {"distance": timesince(moment, now, depth=1)}
    else:
        # Two hours that have just begun are not "1 hour": what is a sixtieth short of the next unit counts as that.
        nearly = moment + (moment - now) / 60
        text = gettext("in %(distance)s") % {"distance": timeuntil(nearly, now, depth=1)}
    return format_html(
        '<time class="portal-time" datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        exact(moment),
        text,
    )


def exact(moment: datetime | None) -> str:
    """Date and time to the second, in the portal's time zone, e.g. ``2026-11-29 07:16:46 CST``: the one form of a moment on
    every page, in both languages (``core.console.formats``)."""
    return EMPTY if moment is None else f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S %Z}"


def when(moment: datetime | None) -> str:
    """The exact time and the distance, for a page about one thing."""
    if moment is None:
        return EMPTY
    return format_html('{} <span class="portal-subtle">({})</span>', exact(moment), ago(moment))


def duration(span: timedelta) -> str:
    """A length of time as a person reads it, e.g. ``35 ms``, ``2.4 s``, ``1 h 05 min``; ``1 小时 05 分`` in Chinese."""
    seconds = span.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return gettext("%(count)s s") % {"count": f"{seconds:.1f}"}
    minutes, hours = int(seconds // 60) % 60, int(seconds // 3600)
    if hours >= 48:
        return gettext("%(days)d days") % {"days": hours // 24}
    if hours:
        return gettext("%(hours)d h %(minutes)02d min") % {"hours": hours, "minutes": minutes}
    return gettext("%(minutes)d min %(seconds)02d s") % {"minutes": minutes, "seconds": int(seconds % 60)}


def actor(text: str) -> str:
    """An actor as it is stored (``operator:lin``) in words."""
    stored = Actor.read(text)
    words = str(ACTORS.get(stored.kind, stored.kind))
    return f"{words} · {stored.name}" if stored.name and stored.kind not in {"platform", "system"} else words


def identifier(text: str) -> str:
    """An id a person may want to copy or compare."""
    return format_html('<code class="portal-id" title="{}">{}</code>', text, text) if text else EMPTY


def scopes_in_words(scopes: Sequence[str]) -> str:
    """Scopes of the platform in words, each with its own name; the end of a long list unfolds."""
    if not scopes:
        return EMPTY
    first = _scope_list(scopes[:OPEN_SCOPES])
    if not (others := scopes[OPEN_SCOPES:]):
        return first
    return format_html(
        '{}<details class="portal-trace portal-technical"><summary>{}</summary>{}</details>',
        first,
        gettext("%(count)d others") % {"count": len(others)},
        _scope_list(others),
    )


def scopes_on_one_line(scopes: Sequence[str]) -> str:
    """The same within a sentence, as plain text."""
    named = [(scope, in_language(scope_text(scope))) for scope in scopes]
    listed = [scope if words == scope else f"{words} ({scope})" for scope, words in named]
    return gettext(", ").join(listed) or EMPTY


def _scope_list(scopes: Sequence[str]) -> str:
    items = []
    for scope in scopes:
        words, name = in_language(scope_text(scope)), format_html('<code class="portal-id">{}</code>', scope)
        items.append((name if words == scope else format_html("{} {}", words, name),))
    return format_html('<ul class="portal-named-scopes">{}</ul>', format_html_join("", "<li>{}</li>", items))


def copyable(text: str, *, testid: str = "") -> str:
    """Text with a button that copies it."""
    if not text:
        return EMPTY
    return format_html(
        '<span class="portal-copy"><code class="portal-id" data-testid="{}">{}</code>'
        '<button type="button" class="portal-copy-button" data-copy="{}" data-copied="{}">{}</button></span>',
        testid,
        text,
        text,
        gettext("Copied"),
        gettext("Copy"),
    )


def explained(code: int | None, log_id: str = "") -> str:
    """A code of the platform with its cause and cure."""
    return problem_block(None if code is None else explain(code), log_id=log_id)


def progress_bar(done: int, of: int, words: str) -> str:
    """A bar with what it says."""
    return format_html(
        '<span class="portal-progress"><progress max="{}" value="{}" aria-label="{}"></progress> <span>{}</span></span>',
        max(of, 1),
        done,
        words,
        words,
    )


def problem_block(info: CodeInfo | None, *, said: str = "", log_id: str = "") -> str:
    """An error with its cause, code and cure; ``said`` is its own message, ``log_id`` is what the platform's support asks for."""
    if info is None:
        return EMPTY
    code = "" if info.code is None else format_html(' <code class="portal-id">{}</code>', info.code)
    parts = [
        format_html('<div class="portal-cause">{}{}</div>', in_language(info.cause), code),
        format_html('<div class="portal-cure">{}</div>', in_language(info.cure)),
    ]
    if said:
        parts.append(format_html('<div class="portal-said">{}</div>', said))
    if log_id:
        parts.append(
            format_html('<div>{} <code class="portal-id">{}</code></div>', gettext("Log ID"), log_id)
        )
    return format_html('<div class="portal-error">{}</div>', SafeString("".join(parts)))


def technical(words: str, answer: str) -> str:
    """Words of ours; what a library or a server said opens below them."""
    if not answer:
        return words
    return format_html(
        '<details class="portal-trace portal-technical"><summary>{}</summary><div class="portal-said">{}</div></details>',
        words,
        answer,
    )


def json_block(value: Any) -> str:
    """A block of indented JSON with secrets masked."""
    if value in (None, {}, []):
        return EMPTY
    return text_block(json.dumps(redact(value), ensure_ascii=False, indent=2))


def copyable_block(block: str) -> str:
    """A block of text or JSON with a button that copies all of it."""
    return format_html(
        '<div class="portal-copy-block"><button type="button" class="portal-copy-button" data-copy-block data-copied="{}">{}'
        "</button>{}</div>",
        gettext("Copied"),
        gettext("Copy"),
        block,
    )


def text_block(text: str) -> str:
    """A block of preformatted text, cut where a page would become too long. Half a surrogate pair, which JSON can spell and
    no page can hold, is shown as JSON spells it."""
    cut = text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}\n…"
    return format_html(
        '<pre class="portal-block" tabindex="0">{}</pre>', cut.encode(errors="backslashreplace").decode()
    )
