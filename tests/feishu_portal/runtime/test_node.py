import os
import socket

from feishu_portal.runtime.node import node_name


def test_process_is_called_by_host_and_number() -> None:
    assert node_name() == f"{socket.gethostname()}:{os.getpid()}"


def test_name_fits_its_column(monkeypatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "h" * 300)
    assert len(node_name()) == 100
