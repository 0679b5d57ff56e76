"""How shots are fired."""

import pytest

from feishu_portal.runtime.metrics.server import MetricsServer
from tests.fuzz.shots import Gun, Shot


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("GET /nothing HTTP/1.1\r\n\r\n", 404),
        ("PUT /metrics HTTP/1.1\r\n\r\n", 501),
        ("GET /nothing", -1),  # HTTP 0.9 has no status
        ("x" * 70_000, 414),
        ("", -1),
    ],
    ids=["request", "method", "old", "long", "nothing"],
)
def test_bytes_go_to_a_port_as_they_are(sent, status):
    server = MetricsServer("127.0.0.1", 0)
    server.start()
    try:
        shot = Shot("metrics", "raw", target=f"http://127.0.0.1:{server.port}", parts=(sent,))
        assert Gun("http://127.0.0.1:1", cookie="").send(shot).status == status
    finally:
        server.stop()
