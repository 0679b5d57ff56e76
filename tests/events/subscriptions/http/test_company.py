"""Receivers in a company: with a certificate of its own authority, and beyond its proxy."""

import datetime as dt
import http.server
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from events.subscriptions.http.failures import in_chinese
from events.subscriptions.http.post import PushRequest, PushResult, post
from events.subscriptions.http.signatures import new_secret
from feishu import tls
from feishu.networks import Networks
from tests.events.subscriptions.http.receiver import Receiver, running
from tests.services.proxy import LoopbackProxy

LOOPBACK = Networks.parse(["loopback"])
PUBLIC = Networks.parse(["public"])
HOST = "crm.intern.test"
SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
    key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
)  # fmt: skip


def request_to(url: str) -> PushRequest:
    return PushRequest(url, "dlv_7", b'{"id": 7}', [new_secret()])


async def at_loopback(_host: str, _port: int) -> list[str]:
    """As an inner name server would say."""
    return ["127.0.0.1"]


async def unknown(host: str, _port: int) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, f"{host} is not known")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    tls.trusted.cache_clear()
    yield
    tls._also.clear()
    tls.trusted.cache_clear()


# --- the company's authority


class Company:
    """An authority, and certificates that it signs, with all that RFC 5280 asks for: Python 3.13 refuses others."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Company CA")])
        self.file = folder / "ca.pem"
        own = (
            self._builder(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(SIGNS_CERTIFICATES, critical=True)
        )
        self.file.write_bytes(self._signed(own))

    def server(self, host: str = HOST, *, ended: bool = False) -> ssl.SSLContext:
        """What a server of this name needs; ``ended``: its certificate is of the day before yesterday."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        names: list[Any] = [x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)]
        builder = self._builder(name, key, days=-2 if ended else 0).add_extension(
            x509.SubjectAlternativeName(names), critical=False
        )
        file = self._folder / "server.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(private + self._signed(builder))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _builder(self, subject: x509.Name, key: Any, *, days: int = 0) -> x509.CertificateBuilder:
        begin = dt.datetime.now(dt.UTC) + dt.timedelta(days=days, hours=-1)
        issuer = self._key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + dt.timedelta(days=1))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False)
        )

    def _signed(self, builder: x509.CertificateBuilder) -> bytes:
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


@contextmanager
def listening(context: ssl.SSLContext) -> Iterator[int]:
    """The port of a receiver that takes everything, in TLS."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_args: object) -> None: ...

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *_args: object) -> None:
            """A client that does not trust it hangs up."""

    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=120)


async def push(port: int, host: str = HOST) -> PushResult:
    return await post(request_to(f"https://{host}:{port}/hook"), networks=LOOPBACK, resolver=at_loopback)


def by_setting(company: Company, _monkeypatch: pytest.MonkeyPatch) -> None:
    tls.trust_also(company.file)


def by_environment(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(company.file))


@pytest.mark.parametrize("trust", [by_setting, by_environment])
async def test_receiver_with_a_certificate_of_the_company_is_reached_once_it_is_trusted(
    company: Company, monkeypatch: pytest.MonkeyPatch, trust: Callable[..., None]
) -> None:
    with listening(company.server()) as port:
        refused = await push(port)
        assert refused.status is None
        assert "FEISHU_CA_FILE" in refused.error
        assert "FEISHU_CA_FILE" in in_chinese(refused.error)
        assert "接收方的证书不受信任" in in_chinese(refused.error)
        trust(company, monkeypatch)
        tls.trusted.cache_clear()
        assert (await push(port)).is_success


@pytest.mark.parametrize(
    ("certificate", "said"),
    [
        ({"host": "other.intern.test"}, "is for another host"),
        ({"host": "10.0.0.1"}, "is for another host"),
        ({"ended": True}, "is not valid now"),
    ],
)
async def test_trusted_authority_does_not_excuse_a_wrong_certificate(
    company: Company, certificate: dict[str, Any], said: str
) -> None:
    tls.trust_also(company.file)
    with listening(company.server(**certificate)) as port:
        result = await push(port)
    assert result.status is None
    assert said in result.error
    assert "FEISHU_CA_FILE" not in result.error
    assert in_chinese(result.error) != result.error


async def test_receiver_that_speaks_no_tls_is_told_from_one_that_is_not_trusted() -> None:
    with running() as receiver:
        result = await push(receiver.port)
    assert "http://" in result.error
    assert "FEISHU_CA_FILE" not in result.error


# --- the company's proxy


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running() as receiver:
        yield receiver


async def test_delivery_goes_through_the_proxy_of_the_environment(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LoopbackProxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert (await post(request_to(receiver.url), networks=LOOPBACK)).is_success
        assert proxy.traffic.forwarded == [f"127.0.0.1:{receiver.port}"]
        monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
        assert (await post(request_to(receiver.url), networks=LOOPBACK)).is_success
        assert proxy.traffic.total == 1


async def test_delivery_in_tls_goes_through_a_tunnel_and_trusts_the_company(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls.trust_also(company.file)
    with listening(company.server("127.0.0.1")) as port, LoopbackProxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        result = await post(request_to(f"https://127.0.0.1:{port}/hook"), networks=LOOPBACK)
    assert result.is_success
    assert proxy.traffic.tunnels == [f"127.0.0.1:{port}"]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "metadata.google.internal", "crm.corp", "crm"]
)
async def test_proxy_is_no_way_round_the_allowed_networks(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with LoopbackProxy(mood="broken") as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        for scheme in ("http", "https"):
            options: dict[str, Any] = (
                {} if host[0].isdigit() or host == "localhost" else {"resolver": unknown}
            )
            result = await post(request_to(f"{scheme}://{host}/hook"), networks=PUBLIC, **options)
            assert "FEISHU_DELIVERY_NETWORKS" in result.error
        assert proxy.traffic.total == 0


@pytest.mark.parametrize(
    ("mood", "said"),
    [
        ("forbidding", "did not let it through (ProxyError: 403"),
        ("broken", "did not let it through (ProxyError: 502"),
        ("gibberish", "NO_PROXY"),
    ],
)
async def test_proxy_that_opens_no_way_is_named_with_the_cure(
    mood: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LoopbackProxy(mood=mood) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("http://", "http://ops:hush@"))
        result = await post(request_to("https://crm.example.test/hook"), networks=PUBLIC, resolver=unknown)
    assert result.status is None
    assert said in result.error
    assert "NO_PROXY" in in_chinese(result.error)
    assert "hush" not in result.error


async def test_proxy_that_is_away_is_told_from_a_receiver_that_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    direct = await post(request_to(f"http://127.0.0.1:{port}/hook"), networks=LOOPBACK)
    assert direct.error.startswith("The receiver cannot be reached")
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    result = await post(request_to("https://crm.example.test/hook"), networks=PUBLIC, resolver=unknown)
    assert result.error.startswith("It was not reached through the proxy of HTTPS_PROXY")


async def test_nobody_learns_which_inner_host_names_there_are(caplog: pytest.LogCaptureFixture) -> None:
    there = await post(request_to("http://db.corp.test/hook"), networks=PUBLIC, resolver=at_loopback)
    absent = await post(request_to("http://xx.corp.test/hook"), networks=PUBLIC, resolver=unknown)
    assert there.error == absent.error
    assert "FEISHU_DELIVERY_NETWORKS" in there.error
    logged = {record.message: record.__dict__["host"] for record in caplog.records}
    assert logged == {"address_refused": "db.corp.test", "receiver_not_found": "xx.corp.test"}
