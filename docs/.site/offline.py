"""A hook of MkDocs: the site is read behind firewalls, so no page may load anything from another host."""

import re
from typing import Any

from mkdocs.exceptions import PluginError

LOADED = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=\"(?:https?:)?//[^\"]*")


def on_post_page(output: str, *, page: Any, **_others: Any) -> str:
    if found := LOADED.search(output):
        raise PluginError(f"{page.file.src_uri} loads from another host: {found[0]}")
    return output
