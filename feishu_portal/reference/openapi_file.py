"""Writes the description of the API into docs/reference/openapi.json: ``DEBUG=on python -m feishu_portal.reference.openapi_file``."""

import json
from pathlib import Path
from typing import Final

from feishu_portal.reference.marked_pages import write_with_django

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "reference" / "openapi.json"


def page() -> str:
    """The document as it should be: as the portal serves it, but for the address of that portal. Django has to be set up."""
    from feishu_portal.api import api  # noqa: PLC0415 -- needs Django

    document = json.loads(json.dumps(api.get_openapi_schema()))
    document["servers"] = [{"url": "https://portal.example.com", "description": "Your portal"}]
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write_with_django(lambda: {PAGE: page()})
