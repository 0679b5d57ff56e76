"""A hook of MkDocs: Mermaid is part of the site, on pages with a diagram; Material would load it from another host."""

import shutil
from pathlib import Path
from typing import Any

from mkdocs.utils import get_relative_url

SOURCE = Path(__file__).with_name("node_modules") / "@mermaid-js" / "tiny" / "dist" / "mermaid.tiny.js"
SCRIPT = "assets/mermaid.js"


def on_post_page(output: str, *, page: Any, **_others: Any) -> str:
    if '<pre class="mermaid">' not in output:
        return output
    # Before Material's own script, which loads Mermaid where there is none.
    script = f'<script src="{get_relative_url(SCRIPT, page.url)}"></script>'
    return output.replace("</head>", f"{script}</head>", 1)


def on_post_build(*, config: Any) -> None:
    shutil.copy(SOURCE, Path(config.site_dir, SCRIPT))
