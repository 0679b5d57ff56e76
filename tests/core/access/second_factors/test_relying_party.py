"""Passkeys are bound to the portal's host name, and accepted from its own pages alone."""

import pytest
from django.test import RequestFactory

from core.access.second_factors.relying_party import relying_party


@pytest.mark.parametrize(
    ("public_url", "trusted", "expected"),
    [
        ("https://portal.example.com", [], ("portal.example.com", ("https://portal.example.com",))),
        (
            "https://portal.example.com",
            ["https://portal.example.com:8443", "https://other.example.com"],
            ("portal.example.com", ("https://portal.example.com", "https://portal.example.com:8443")),
        ),
        ("", [], ("testserver", ("http://testserver",))),
    ],
)
def test_host_and_origins_are_those_of_the_portal(settings, public_url, trusted, expected):
    settings.PUBLIC_URL, settings.CSRF_TRUSTED_ORIGINS = public_url, trusted
    settings.ALLOWED_HOSTS = ["testserver"]
    party = relying_party(RequestFactory().get("/"))
    assert (party.id, party.origins) == expected
    assert party.has_passkeys


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "[::1]:8000"])
def test_address_without_a_name_has_no_passkeys(settings, host):
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = "", ["*"]
    assert not relying_party(RequestFactory(SERVER_NAME="x").get("/", HTTP_HOST=host)).has_passkeys
