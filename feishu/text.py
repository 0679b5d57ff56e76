"""A sentence for people, in every language the product speaks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in Simplified Chinese and in English."""

    zh_cn: str
    en_us: str

    def i18n(self) -> dict[str, str]:
        """The translations under the language keys that cards and toasts use."""
        return {"zh_cn": self.zh_cn, "en_us": self.en_us}

    def in_language(self, language: str) -> str:
        """The sentence in a language named Django's way (`zh-hans`, `en`); English for any other."""
        return self.zh_cn if language.lower().startswith("zh") else self.en_us


KEYS: Final = Text("zh_cn", "en_us")
"""The key of each language, in that language: what messages have their parts under."""


def terminal_language(environ: Mapping[str, str]) -> str:
    """``zh-hans`` where the locale of the terminal is Chinese, else ``en``: as POSIX has it, LC_ALL before LC_MESSAGES before
    LANG."""
    locale = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "")
    return "zh-hans" if locale.lower().startswith("zh") else "en"
