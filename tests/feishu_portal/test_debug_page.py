import secrets

import pytest
from django.urls import reverse

from auth_sessions.pages import consent


@pytest.mark.django_db
def test_debug_page_shows_no_variable(client, settings, monkeypatch):
    settings.DEBUG = True
    client.raise_request_exception = False
    held: list[str] = []

    def fail(**values):
        app_secret = secrets.token_hex()
        held.append(app_secret)
        raise ValueError

    monkeypatch.setattr(consent, "open_link", fail)
    response = client.post(reverse("oauth:start", args=["a-link"]))
    assert response.status_code == 500
    assert "ValueError" in response.text
    assert held[0] not in response.text
