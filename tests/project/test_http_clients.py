"""Requests leave the portal by ``feishu.outgoing``: no client reads proxies or certificates of the environment by itself."""

import ast
from collections.abc import Iterator

from tests.project.patterns import ROOTS
from tests.services.processes import PROJECT

CLIENTS = {"Client", "AsyncClient", "HTTPTransport", "AsyncHTTPTransport"}
AT_ONCE = {"get", "post", "put", "patch", "delete", "head", "options", "request", "stream"}
"""Functions of the library that make a client of their own."""


def calls_that_read_the_environment(source: str) -> Iterator[int]:
    """Their lines."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        of, name = node.func.value, node.func.attr
        if not isinstance(of, ast.Name) or of.id not in {"httpx2", "httpx"}:
            continue
        trust = next((keyword.value for keyword in node.keywords if keyword.arg == "trust_env"), None)
        is_off = isinstance(trust, ast.Constant) and trust.value is False
        if name in AT_ONCE or (name in CLIENTS and not is_off):
            yield node.lineno


def test_no_client_reads_the_environment() -> None:
    found = [
        f"{path.relative_to(PROJECT)}:{line}"
        for root in ROOTS
        for path in sorted((PROJECT / root).rglob("*.py"))
        if "httpx" in (source := path.read_text())
        for line in calls_that_read_the_environment(source)
    ]
    assert found == [], "give it a transport of feishu.outgoing and trust_env=False"


def test_clients_that_do_are_found() -> None:
    bad = [
        "httpx2.Client()",
        "httpx2.AsyncClient(trust_env=True)",
        "httpx2.get(url)",
        "httpx2.HTTPTransport()",
    ]
    assert [list(calls_that_read_the_environment(line)) for line in bad] == [[1]] * 4
    assert not list(calls_that_read_the_environment("httpx2.Client(transport=one, trust_env=False)"))
