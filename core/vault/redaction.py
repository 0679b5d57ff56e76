"""What must not be read in a log line, on a page or in an answer: the one list of it, and taking it out.

A value is secret by the name it stands under, or by its own shape. Every pattern is linear: what repeats is bounded, or
possessive and never tried from its middle again. Text is cut before it is searched.
"""

import json
import re
from typing import Any

MASK = "••••••"
MAX_TEXT = 100_000
"""Characters of one text that are searched and kept; an event of the platform is smaller."""

_NAME = (
    r"secret|password|passwd|authorization|cookie|ticket|verifier|token|encrypt|(?:access|api|private)_?key"
)
_SECRET_NAME = re.compile(_NAME, re.IGNORECASE)
_CODE_NAME = re.compile(r"(?:^|_)code$", re.IGNORECASE)

_TEXTS = (
    # JSON and what Python prints of a dict, also inside of another string and cut off in the middle.
    (
        re.compile(
            rf"""((?P<quote>["'])(?=[^"'\\]{{0,60}}?(?:{_NAME}))[^"'\\]{{1,120}}(?:\\{{0,4}})(?P=quote)\s{{0,8}}:\s{{0,8}})"""
            r"""(?:"(?:[^"\\]|\\.)*+"?|'(?:[^'\\]|\\.)*+'?|\\+"[^"]*+"?|\[[^\]]*+\]?|\{[^}]*+\}?|(?!null\b|true\b|false\b|None\b)[^\s,}\]]++)""",
            re.IGNORECASE | re.DOTALL,
        ),
        rf'\1"{MASK}"',
    ),
    # Addresses, forms and headers.
    (re.compile(r"(?i)(?<=[?&])((?:\w{1,20}_)?code|state)=[^&\s\"']++"), rf"\1={MASK}"),
    (
        re.compile(rf"(?i)(?<![\w-])(?=[\w-]{{0,60}}?(?:{_NAME}))([\w-]{{1,80}})=[^&\s\"']++"),
        rf"\1={MASK}",
    ),
    (re.compile(r"(?i)(?<![\w-])((?:proxy-)?authorization|(?:set-)?cookie): ?[^\r\n\"']++"), rf"\1: {MASK}"),
    (re.compile(r"(?i)(?<=bearer )[\w.~+/=-]{8,}+"), MASK),
    (re.compile(r"(?<=://)[^\s/@:\"']{0,100}:[^\s/@\"']{1,200}(?=@)"), MASK),
    # One-time links.
    (re.compile(r"(?:(?<=/oauth/start/)|(?<=/oauth/my/))[\w-]{16,}+"), MASK),
    # Tokens of the platform, keys, agents' tokens and signing secrets of the portal, ciphertext.
    (re.compile(r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{4,}+(?:\.[\w-]*+)?"), MASK),
    (re.compile(r"(?<![\w-])(?:fp_[A-Za-z0-9]{6,}+_|fp[ar]_|[tu]r?-)[\w.-]{12,}+"), MASK),
    (re.compile(r"(?<![\w-])whsec_[\w+/=-]{20,}+"), MASK),
    (re.compile(r"(?<![\w-])gAAAA[\w-]{40,}+=*+"), MASK),
)

_MAY_MATTER = re.compile(r"[=:]|bearer |/oauth/|eyJ|fp_|fp[ar]_|[tu]r?-|whsec_|gAAAA", re.IGNORECASE)
"""What each of these patterns needs: most texts of a log line have none of it, and one search says so."""


def redact(value: Any, *, name: str = "", hides_codes: bool = False) -> Any:
    """``value``, which stands under ``name``, without its secrets at any depth, JSON within strings included.

    Objects that JSON does not know become their text. ``hides_codes``: also strings under a name that ends in ``code``.
    In a log line one is an authorization code; numbers are the platform's own codes, which an operator needs. In an event
    it is the number of a form or of an article.
    """
    if value is None or isinstance(value, bool):
        return value
    if _SECRET_NAME.search(name):
        return MASK if value not in ("", b"", [], (), {}) else value
    if isinstance(value, dict):
        return {key: redact(item, name=str(key), hides_codes=hides_codes) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact(item, name=name, hides_codes=hides_codes) for item in value]
    if isinstance(value, int | float):
        return value
    text = str(value)
    return MASK if hides_codes and text and _CODE_NAME.search(name) else _redact_string(text)


def _redact_string(text: str) -> str:
    """JSON within a string, as the platform writes a message's content, is redacted by its names."""
    if text[:1] in {"{", "["}:
        try:
            return json.dumps(redact(json.loads(text)), ensure_ascii=False)
        except (ValueError, RecursionError):
            pass
    return redact_text(text)


def redact_text(text: str) -> str:
    """``text`` without anything that looks like a secret, cut at ``MAX_TEXT`` characters."""
    if len(text) > MAX_TEXT:
        text = f"{text[:MAX_TEXT]}…"
    if _MAY_MATTER.search(text) is None:
        return text
    for pattern, mask in _TEXTS:
        text = pattern.sub(mask, text)
    return text
