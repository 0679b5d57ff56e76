"""Trusted authorities: the usual ones, the environment's, and the company's own."""

import datetime as dt
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from feishu import tls


@pytest.fixture(autouse=True)
def made_again() -> Iterator[None]:
    tls.trusted.cache_clear()
    yield
    tls._also.clear()
    tls.trusted.cache_clear()


@pytest.fixture
def company_ca(tmp_path: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Company CA")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "ca.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return file


def names() -> list[str]:
    return [str(certificate["subject"]) for certificate in tls.trusted().get_ca_certs()]


def test_company_is_trusted_beside_the_usual_authorities(company_ca: Path) -> None:
    before = len(names())
    tls.trust_also(company_ca)
    assert len(names()) == before + 1
    assert any("Company CA" in name for name in names())


def test_file_of_the_environment_is_honoured(company_ca: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(company_ca))
    assert any("Company CA" in name for name in names())


def test_file_that_is_not_there_is_ignored_and_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    assert tls.trusted().verify_mode == ssl.CERT_REQUIRED
    assert "certificates_unreadable" in caplog.text
