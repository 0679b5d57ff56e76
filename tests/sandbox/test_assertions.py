"""Client assertions in the place of the App Secret: at the token endpoint and where the gateway's address is asked for."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.sandbox.conftest import Platform

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
HOST = "127.0.0.1:9800"
Sign = Callable[[bytes], bytes]


def es256() -> tuple[str, Sign]:
    key = ec.generate_private_key(ec.SECP256R1())

    def sign(content: bytes) -> bytes:
        numbers = decode_dss_signature(key.sign(content, ec.ECDSA(SHA256())))
        return b"".join(number.to_bytes(32) for number in numbers)

    return pem(key.public_key()), sign


def rs256() -> tuple[str, Sign]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return pem(key.public_key()), lambda content: key.sign(content, padding.PKCS1v15(), SHA256())


def pem(key: Any) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def token(sign: Sign, algorithm: str, **claims: Any) -> str:
    whole = {"aud": HOST, "exp": int(time.time()) + 60, **claims}
    signed = ".".join(part(json.dumps(one).encode()) for one in ({"alg": algorithm, "typ": "JWT"}, whole))
    return f"{signed}.{part(sign(signed.encode()))}"


async def ask(platform: Platform, assertion: str, **more: str) -> dict[str, Any]:
    body = {
        "grant_type": GRANT,
        "client_id": platform.app_id,
        "client_assertion_type": TYPE,
        "client_assertion": assertion,
        **more,
    }
    return (await platform.http.post("/oauth/v3/token", json=body)).json()


@pytest.mark.parametrize(("make", "algorithm"), [(es256, "ES256"), (rs256, "RS256")])
async def test_assertion_is_worth_a_tenant_token(platform: Platform, make, algorithm: str) -> None:
    key, sign = make()
    await platform.put_app(assertion_key=key)
    answer = await ask(platform, token(sign, algorithm))
    assert (answer["code"], answer["token_type"]) == (0, "Bearer")
    info = await platform.api("GET", "bot/v3/info", token=answer["access_token"])
    assert info.json()["code"] == 0


async def test_assertion_opens_a_long_connection(platform: Platform) -> None:
    key, sign = es256()
    await platform.put_app(assertion_key=key)
    body = {"AppID": platform.app_id, "AppSecret": "", "ClientAssertion": token(sign, "ES256")}
    assert (await platform.http.post("/callback/ws/endpoint", json=body)).json()["code"] == 0
    body["ClientAssertion"] = token(sign, "ES256", aud="open.feishu.cn")
    assert (await platform.http.post("/callback/ws/endpoint", json=body)).json()["code"] == 1000040345


async def test_assertion_redeems_codes_and_refresh_tokens(platform: Platform) -> None:
    key, sign = es256()
    await platform.put_app(assertion_key=key)
    given = await platform.control("POST", "grants", {"app_id": platform.app_id})
    refresh_token = given["grants"][0]["refresh_token"]
    assertion = token(sign, "ES256")
    answer = await ask(platform, assertion, grant_type="refresh_token", refresh_token=refresh_token)
    assert answer["code"] == 0
    assert answer["refresh_token"] != refresh_token


@pytest.mark.parametrize(
    ("claims", "complaint"),
    [
        ({"aud": "elsewhere"}, "aud is not"),
        ({"exp": 1}, "expired"),
        ({"exp": "soon"}, "expired"),
        ({"nbf": 2**40}, "does not hold yet"),
        ({"iss": "another"}, "iss is not the-issuer"),
        ({"sub": None}, "sub is not workload"),
    ],
)
async def test_claims_are_checked(platform: Platform, claims: dict, complaint: str) -> None:
    key, sign = es256()
    await platform.put_app(assertion_key=key, assertion_issuer="the-issuer", assertion_subject="workload")
    right = {"iss": "the-issuer", "sub": "workload"}
    assert (await ask(platform, token(sign, "ES256", **right)))["code"] == 0
    answer = await ask(platform, token(sign, "ES256", **(right | claims)))
    assert (answer["code"], answer["error"]) == (20002, "invalid_client")
    assert complaint in answer["error_description"]


async def test_what_is_no_assertion_of_the_app_is_refused(platform: Platform) -> None:
    key, sign = es256()
    assert "has no assertion_key" in (await ask(platform, token(sign, "ES256")))["error_description"]
    await platform.put_app(assertion_key=key)
    _, another = es256()
    assert "not of the app's key" in (await ask(platform, token(another, "ES256")))["error_description"]
    for broken in ("x", "a.b.c", "é.ü.ö", token(sign, "none"), token(sign, "HS256"), token(sign, "RS256")):
        assert "no signed JWT" in (await ask(platform, broken))["error_description"]
    assert (await ask(platform, ""))["code"] == 20001
    assert (await ask(platform, "x", client_secret="s"))["code"] == 20070
    assert (await ask(platform, "x", client_assertion_type="saml"))["code"] == 20063
