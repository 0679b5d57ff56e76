"""QR codes as SVG in the page itself: nothing else is asked for it, and the policy of the page needs no exception."""

from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

_BORDER: Final = 4
"""Light modules around the code, as many as the standard asks for; dark pages need them too."""


def qr_code(text: str, *, label: str) -> SafeString:
    """The code that holds ``text``; ``label`` says what it is for to who does not see it."""
    import segno  # noqa: PLC0415 -- for few pages alone

    code = segno.make(text, error="l", micro=False)
    svg = code.svg_inline(
        border=_BORDER, omitsize=True, dark="#000", light="#fff", svgclass="portal-qr", lineclass=None
    )
    return format_html('<div role="img" aria-label="{}">{}</div>', label, mark_safe(svg))  # noqa: S308 -- made of modules, no text in it
