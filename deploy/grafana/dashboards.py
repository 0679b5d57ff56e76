"""The dashboards of Grafana as files: ``python -m deploy.grafana.dashboards``.

One folder for each language, since titles in two languages at once are long and read by nobody. The JSON is written, and never
edited.
"""

import json
from pathlib import Path
from typing import Final

from deploy.grafana import connections, events, overview, tokens
from deploy.grafana.panels import LANGUAGES

HERE: Final = Path(__file__).resolve().parent

DASHBOARDS: Final = tuple(module.DASHBOARD for module in (overview, connections, events, tokens))


def documents() -> dict[Path, str]:
    """The files as they should be."""
    return {
        HERE / language / f"{dashboard.name}.json": json.dumps(
            dashboard.written(language), ensure_ascii=False, indent=2
        )
        + "\n"
        for language in LANGUAGES
        for dashboard in DASHBOARDS
    }


def main() -> None:
    for path, text in documents().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
