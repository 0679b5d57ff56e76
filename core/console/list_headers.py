"""A list's headers, made once a page.

Unfold makes them again for every row, whose cells repeat their text for narrow screens: with fifty rows a quarter of the
time of the whole page, most of it for the checkbox in the first one. The function is looked up in its module, so it can be
replaced there; a test notices when Unfold no longer does either.
"""

from typing import Any

from django.utils.html import conditional_escape
from unfold.templatetags import unfold_list

ATTRIBUTE = "portal_headers"

_make_headers = unfold_list.result_headers


def result_headers(change_list: Any) -> list[dict[str, Any]]:
    """The headers of ``change_list``, which lives as long as one request. Their texts are translated and escaped: every cell
    repeats one."""
    headers: list[dict[str, Any]] | None = getattr(change_list, ATTRIBUTE, None)
    if headers is None:
        made = _make_headers(change_list)
        headers = [{**header, "text": conditional_escape(header["text"])} for header in made]
        setattr(change_list, ATTRIBUTE, headers)
    return headers


def install() -> None:
    """Have Unfold use them."""
    unfold_list.result_headers = result_headers
