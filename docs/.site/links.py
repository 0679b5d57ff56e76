"""A hook of MkDocs: links that lead out of docs/, to the sources, become plain text."""

import re
from typing import Any

LINK = re.compile(r"\[([^\]]+)\]\((?:\.\./)+([^)#]+)(?:#[^)]*)?\)")


def on_page_markdown(markdown: str, *, page: Any, **_others: Any) -> str:
    depth = page.file.src_uri.count("/") + 1

    def plain(link: re.Match[str]) -> str:
        leaves = link[0].count("../", link[0].index("](")) >= depth
        return link[1] if leaves else link[0]

    return LINK.sub(plain, markdown)
