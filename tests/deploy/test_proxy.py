"""The samples for proxies, each running in front of a real web process: console, sockets, streams, bounds, logs."""

import datetime as dt
import json
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import ClientConnection, connect

from feishu_portal.api.streaming.upload import IDLE_SECONDS, MAX_BODY
from tests.deploy.programs import PATIENCE, complaints, program
from tests.services.ports import free_port
from tests.services.processes import PROJECT, ManagedProcess, ProcessStarter, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.only_on("postgres"), pytest.mark.timeout(900)]

SAMPLES = PROJECT / "deploy/proxy"
PASSWORD = "a password of the tests"
ATTEMPTS = 6
"""Handshakes of a live page."""
SECRET_LINK = "/oauth/start/one-time-secret/"

FIRST_LINE = b'{"text": "Hello"}'
BEGINNING_OF_A_REPLY = b"\r\n".join(
    (
        b"POST /api/v1/bots/cli_0123456789abcdef/messages/stream?receive_id=ou_1 HTTP/1.1",
        b"Host: localhost",
        b"Transfer-Encoding: chunked",
        b"",
        b"%x" % (len(FIRST_LINE) + 1),
        FIRST_LINE + b"\n",
        b"",
    )
)

PREPARE = f"""
import json, os, pathlib
from core.access.actors import Actor
from core.access.api_keys import add_api_client
from core.access.models import User
from core.access.scopes import Scope
from events.enums import SubscriptionKind
from tests.events.handler_runs import dispatched, stored_event
from tests.factories import make_bot, make_subscription
User.objects.create_superuser("lin", password="{PASSWORD}")
bot = make_bot()
subscription = make_subscription(bot, kind=SubscriptionKind.PULL)
dispatched(stored_event(bot=bot))
_, key = add_api_client(
    name="reader", scopes=[Scope.EVENTS_READ], bots=[bot], proxy_paths=[], expires_at=None, actor=Actor.command("test")
)
facts = {{"key": key, "subscription": str(subscription.pk)}}
pathlib.Path(os.environ["FACTS"]).write_text(json.dumps(facts))
"""


@dataclass(frozen=True)
class Proxied:
    """A portal behind a proxy."""

    origin: str
    key: str
    subscription: str
    log: Path

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.origin, verify=_unverified(), trust_env=False, timeout=PATIENCE)


def is_ready(origin: str) -> bool:
    try:
        answer = httpx2.get(
            f"{origin}/healthz/ready", verify=_unverified(), trust_env=False, timeout=PATIENCE
        )
    except httpx2.TransportError:
        return False
    return answer.status_code == 200 and answer.json()["mode"] == "active"


def _unverified() -> ssl.SSLContext:
    """The certificate is made for the test."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def certificate(folder: Path) -> tuple[Path, Path]:
    """Files with a certificate for localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + dt.timedelta(days=2))
    chain, private = folder / "localhost.pem", folder / "localhost.key"
    chain.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return chain, private


def nginx(folder: Path, *, port: int, upstream: int) -> ManagedProcess:
    """The sample with ports, name and files of the test."""
    chain, private = certificate(folder)
    text = (SAMPLES / "nginx.conf").read_text()
    for sample, ours in {
        "listen 80;": f"listen 127.0.0.1:{free_port()};",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{port} ssl http2;",
        "server_name portal.example.com;": "server_name localhost;",
        "/etc/ssl/portal.example.com.pem": str(chain),
        "/etc/ssl/portal.example.com.key": str(private),
        "127.0.0.1:8000": f"127.0.0.1:{upstream}",
        "/var/log/nginx/": f"{folder}/",
    }.items():
        assert sample in text
        text = text.replace(sample, ours)
    (folder / "portal.conf").write_text(text)
    places = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "\n".join(f"{place}_temp_path {folder}/{place};" for place in places)
    (folder / "nginx.conf").write_text(
        f"daemon off;\nuser root;\npid {folder}/pid;\nerror_log stderr warn;\nevents {{}}\n"
        f"http {{\n{temporary}\ninclude {folder}/portal.conf;\n}}\n"
    )
    command = [program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]
    return ManagedProcess(command, environment={}, log=folder / "output.log")


def caddy(folder: Path, *, port: int, upstream: int) -> ManagedProcess:
    """The sample as it is, for localhost with Caddy's own certificate."""
    globally = "{\n\tadmin off\n\tskip_install_trust\n\tauto_https disable_redirects\n}\n"
    (folder / "Caddyfile").write_text(f"{globally}import {SAMPLES / 'Caddyfile'}\n")
    environment = {
        "HOME": str(folder),
        "PORTAL_HOST": f"https://localhost:{port}",
        "PORTAL_UPSTREAM": f"127.0.0.1:{upstream}",
    }
    command = [program("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    return ManagedProcess(command, environment=environment, log=folder / "output.log")


PROXIES = {"nginx": (nginx, "feishu-portal.log"), "caddy": (caddy, "output.log")}


@pytest.fixture(params=PROXIES)
def proxied(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    database_url: str,
    redis_url: str,
    managed_process: ProcessStarter,
) -> Iterator[Proxied]:
    program(request.param)
    start, log = PROXIES[request.param]
    port, upstream = free_port(), free_port()
    origin = f"https://localhost:{port}"
    environment = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "PUBLIC_URL": origin}
    web = managed_process(
        "-m", "feishu_portal.command_line", "web", "--port", str(upstream), environment=environment
    )
    web.wait_until(partial(is_ready, f"http://127.0.0.1:{upstream}"), what="readiness", seconds=PATIENCE)
    # Only now: a database that holds bots before a process has been at it looks like a restored one.
    file = tmp_path / "facts.json"
    prepared = managed_process(
        "manage.py",
        "shell",
        "--verbosity",
        "0",
        "-c",
        PREPARE,
        environment=environment | {"FACTS": str(file)},
    )
    assert prepared.wait_for_exit(seconds=PATIENCE) == 0, prepared.output
    facts = json.loads(file.read_text())
    managed_process.secrets.add(facts["key"])
    folder = tmp_path / "proxy"
    folder.mkdir()
    proxy = start(folder, port=port, upstream=upstream)
    try:
        portal = Proxied(origin, facts["key"], facts["subscription"], folder / log)
        # Caddy opens its port before it has made its certificate.
        proxy.wait_until(partial(is_ready, origin), what="answer through the proxy", seconds=PATIENCE)
        yield portal
    finally:
        proxy.kill()


def test_portal_works_behind_the_sample(proxied: Proxied) -> None:
    with proxied.client() as browser:
        signs_in_and_gets_styles(browser, proxied)
        follows_a_live_page(browser, proxied)
        gets_a_stream_as_it_comes(browser, proxied)
        is_refused_what_is_too_large(browser)
        browser.get(SECRET_LINK, params={"code": "an-authorization-code"})
    logs_the_request_and_no_secret(proxied)


def signs_in_and_gets_styles(browser: httpx2.Client, proxied: Proxied) -> None:
    """Forms need the scheme and the host that the browser sees."""
    page = browser.get(
        "/admin/login/", headers={"X-Forwarded-Proto": "http", "X-Forwarded-Host": "elsewhere.test"}
    )
    assert page.status_code == 200
    for sheet in re.findall(r'<link[^>]+href="(/static/[^"]+\.css)"', page.text):
        assert browser.get(sheet).headers["Content-Type"].startswith("text/css")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert token
    signed_in = browser.post(
        "/admin/login/?next=/admin/connections/",
        data={"username": "lin", "password": PASSWORD, "csrfmiddlewaretoken": token[1]},
        headers={"Origin": proxied.origin, "Referer": f"{proxied.origin}/admin/login/"},
    )
    assert (signed_in.status_code, signed_in.headers.get("Location")) == (302, "/admin/connections/")
    assert browser.get("/admin/connections/").status_code == 200


def follows_a_live_page(browser: httpx2.Client, proxied: Proxied) -> None:
    """A socket whose handshake is none is told so: it reached the portal as an operator's."""
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    with opened_socket(proxied, cookies) as opened:
        opened.send("no handshake")
        with pytest.raises(ConnectionClosedError, match="4400"):
            opened.recv(timeout=PATIENCE)


def opened_socket(proxied: Proxied, cookies: str) -> ClientConnection:
    """Tried again, as a page does after some silence: Caddy 2.6 leaves one handshake of some four hundred unanswered (nginx
    none of a thousand)."""
    host, _, port = proxied.origin.removeprefix("https://").partition(":")
    for _attempt in range(ATTEMPTS):
        with suppress(TimeoutError):
            return connect(
                proxied.origin.replace("https://", "wss://") + "/live/connections/",
                sock=socket.create_connection((host, int(port)), timeout=PATIENCE),
                ssl=_unverified(),
                origin=proxied.origin,
                additional_headers={"Cookie": cookies},
                open_timeout=PATIENCE / ATTEMPTS,
                compression=None,
            )
    pytest.fail(f"no answer to {ATTEMPTS} handshakes")


def gets_a_stream_as_it_comes(browser: httpx2.Client, proxied: Proxied) -> None:
    """The first event arrives while the response goes on."""
    headers = {"Authorization": f"Bearer {proxied.key}"}
    with browser.stream(
        "GET", f"/api/v1/subscriptions/{proxied.subscription}/stream", headers=headers
    ) as stream:
        assert stream.status_code == 200
        first = next(line for line in stream.iter_lines() if line.startswith("event:"))
    assert first == "event: event"


def is_refused_what_is_too_large(browser: httpx2.Client) -> None:
    try:
        refused = browser.post("/admin/login/", content=b"x" * 4_000_000).status_code
    except httpx2.TransportError:
        return  # hung up on before the body's end
    assert refused in {413, 502}  # 502: Caddy before 2.7


def logs_the_request_and_no_secret(proxied: Proxied) -> None:
    def has_the_line() -> bool:
        return "/oauth/start/*" in proxied.log.read_text(errors="replace")

    wait_until(has_the_line, what="line of the request", seconds=PATIENCE)
    text = proxied.log.read_text(errors="replace")
    assert "/admin/login/" in text
    assert [
        secret for secret in ("one-time-secret", "an-authorization-code", proxied.key) if secret in text
    ] == []


@pytest.mark.parametrize("name", PROXIES)
def test_reply_reaches_the_portal_while_it_is_being_written(name: str, tmp_path: Path) -> None:
    """The first line arrives, of a body whose end has not been written yet."""
    program(name)
    start, _log = PROXIES[name]
    with socket.create_server(("127.0.0.1", 0)) as portal:
        portal.settimeout(PATIENCE)
        port = free_port()
        proxy = start(tmp_path, port=port, upstream=portal.getsockname()[1])
        try:
            proxy.wait_until(partial(has_certificate, port), what="certificate", seconds=PATIENCE)
            with secured(port) as writer:
                writer.sendall(BEGINNING_OF_A_REPLY)
                arriving, _address = portal.accept()
                with arriving, arriving.makefile("rb") as request:
                    arriving.settimeout(PATIENCE)
                    assert any(line.strip() == FIRST_LINE for line in request)
        finally:
            proxy.kill()


def secured(port: int) -> ssl.SSLSocket:
    """A connection to the proxy."""
    plain = socket.create_connection(("localhost", port), timeout=PATIENCE)
    return _unverified().wrap_socket(plain, server_hostname="localhost")


def has_certificate(port: int) -> bool:
    """Caddy opens its port before it has made one."""
    try:
        secured(port).close()
    except OSError:
        return False
    return True


def test_samples_have_room_for_a_streamed_reply() -> None:
    [location] = re.findall(r"messages/stream\$ \{(.*?)\}", (SAMPLES / "nginx.conf").read_text(), re.DOTALL)
    [of_nginx] = re.findall(r"client_max_body_size (\d+)m;", location)
    [seconds] = re.findall(r"client_body_timeout (\d+)s;", location)
    [of_caddy] = re.findall(
        r"request_body @replies \{\s+max_size (\d+)MB\s+\}", (SAMPLES / "Caddyfile").read_text()
    )

    assert min(int(of_nginx) * 1024 * 1024, int(of_caddy) * 1000 * 1000) > MAX_BODY
    assert int(seconds) > IDLE_SECONDS


def test_caddy_finds_the_sample_valid(tmp_path: Path) -> None:
    sample = str(SAMPLES / "Caddyfile")

    assert complaints("caddy", "validate", "--adapter", "caddyfile", "--config", sample) == ""


def test_security_page_and_sample_hide_the_same() -> None:
    """The page explains, the sample is installed: both have the same pattern."""
    pattern = re.compile(r"~\^/oauth/\(\?<\w+>start\|my\)/")

    assert pattern.search((PROJECT / "docs/security.md").read_text())
    assert pattern.search((SAMPLES / "nginx.conf").read_text())
