"""The APIs that the official SDK has calls for, and whose tokens each takes.

`python -m tests.sandbox.sdk_apis` writes those that `feishu/apis.txt` has not yet into it.
"""

import re
from importlib.util import find_spec
from pathlib import Path

from feishu.api_list import FILE

_METHOD = re.compile(r"http_method\s*=\s*\(?\s*HttpMethod\.(\w+)")
_URI = re.compile(r'\.uri\s*=\s*\(?\s*"([^"]+)"')
_TOKENS = re.compile(r"token_types\s*=\s*\(?\s*\{([^}]*)\}")


def apis_of_the_sdk() -> set[str]:
    """Lines as in the file: method, tokens, path."""
    spec = find_spec("lark_oapi")
    assert spec is not None
    assert spec.origin is not None
    lines = set()
    for path in Path(spec.origin).parent.joinpath("api").rglob("*_request.py"):
        text = path.read_text(encoding="utf-8")
        method, uri, tokens = _METHOD.search(text), _URI.search(text), _TOKENS.search(text)
        if method and uri:
            kinds = re.findall(r"AccessTokenType\.(\w+)", tokens[1]) if tokens else []
            lines.add(f"{method[1]} {','.join(sorted(kinds)).lower() or 'none'} {uri[1]}")
    return lines


def key(line: str) -> tuple[str, str]:
    method, _, path = line.split()
    return path, method


def write() -> None:
    known = FILE.read_text().splitlines() if FILE.exists() else []
    have = {key(line) for line in known}
    FILE.write_text(
        "\n".join(sorted([*known, *(line for line in apis_of_the_sdk() if key(line) not in have)], key=key))
        + "\n"
    )


if __name__ == "__main__":
    write()
