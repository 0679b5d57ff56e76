"""The cards that a growing reply is shown on. Page "Card JSON 2.0 structure", and that of streaming updates."""

from typing import Any, Final

from feishu.text import Text

TEXT_ID: Final = "reply"
NOTE_ID: Final = "note"
"""Ids of the components, for calls that change them."""
SUMMARY: Final = 80
"""Characters that the list of chats shows of a reply which is whole."""
TYPING: Final = Text("正在输入…", "Typing…")
INTERRUPTED: Final = Text(
    "回复已中断，以上内容可能不完整", "The reply was interrupted; what is above may be incomplete"
)
TOO_LONG: Final = Text("回复过长，其余内容已省略", "The reply was too long; the rest was left out")
REPLACED: Final = Text("回复已重新生成，见上文", "The reply was written again, above")
_IN_WORDS: Final = {"content": INTERRUPTED.en_us, "i18n_content": INTERRUPTED.i18n()}
_STREAMING: Final = {
    "print_frequency_ms": {"default": 50},
    "print_step": {"default": 4},
    "print_strategy": "fast",
}


def typing_card(text: str) -> dict[str, Any]:
    """A card that streams; ``text`` is Markdown, not empty."""
    config = {"update_multi": True, "streaming_mode": True, "streaming_config": _STREAMING}
    return _card(config, [_text(text)])


def still_card(text: str, note: Text | None = None) -> dict[str, Any]:
    """A card that is replaced as a whole, where there is no streaming."""
    config = {"update_multi": True, "summary": {"content": summary_of(text)}}
    return _card(config, [_text(text), *([note_of(note)] if note else [])])


def note_of(note: Text) -> dict[str, Any]:
    """A line under the text."""
    return {
        "tag": "markdown",
        "element_id": NOTE_ID,
        "text_size": "notation",
        "content": _grey(note.en_us),
        "i18n_content": {language: _grey(words) for language, words in note.i18n().items()},
    }


def opened_settings() -> dict[str, Any]:
    """Settings with which streaming is switched on again."""
    return {"config": {"streaming_mode": True, "streaming_config": _STREAMING}}


def closed_settings(summary: str = "") -> dict[str, Any]:
    """Settings with which streaming ends; the list of chats says ``summary`` instead of "generating"."""
    known = {"content": summary} if summary else _IN_WORDS
    return {"config": {"streaming_mode": False, "summary": known}}


def summary_of(text: str) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(text[: 4 * SUMMARY].split())
    return line if len(line) <= SUMMARY else f"{line[: SUMMARY - 1]}…"


def with_note(card: dict[str, Any], note: Text) -> dict[str, Any]:
    """A card as the platform gives it back, with a note at its end in the place of an earlier one."""
    body = card.get("body") if isinstance(card.get("body"), dict) else {}
    elements = body.get("elements") if isinstance(body, dict) else None
    kept = [one for one in elements or [] if isinstance(one, dict) and one.get("element_id") != NOTE_ID]
    return {**card, "body": {**(body or {}), "elements": [*kept, note_of(note)]}}


def _card(config: dict[str, Any], elements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"schema": "2.0", "config": config, "body": {"elements": elements}}


def _text(text: str) -> dict[str, Any]:
    return {"tag": "markdown", "element_id": TEXT_ID, "content": text}


def _grey(words: str) -> str:
    return f"<font color='grey'>{words}</font>"
