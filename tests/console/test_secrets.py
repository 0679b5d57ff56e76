"""No page of the console holds a secret, wherever one is stored."""

import pytest
from django.test import Client
from django.urls import reverse

from core.vault.redaction import MASK
from events.enums import EventStatus
from events.models import Event
from tests.console.rows import PAGES, SECRETS, Rows, list_of, make_rows, page_of, text_of


@pytest.fixture
def rows(db: None) -> Rows:
    """With secrets that are being rotated, too."""
    return make_rows(
        transport="webhook", next_encrypt_key="the-next-key", next_verification_token="the-next-token"
    )


def assert_no_secret(html: str) -> None:
    assert [secret for secret in SECRETS if secret in html] == []


@pytest.mark.parametrize("page", PAGES)
def test_lists_and_pages_hold_no_secret(page: str, rows: Rows, as_superuser: Client) -> None:
    row = rows.of(page)
    assert_no_secret(text_of(as_superuser.get(list_of(page))))
    assert_no_secret(text_of(as_superuser.get(page_of(page, row))))


def test_overview_holds_no_secret(rows: Rows, as_superuser: Client) -> None:
    assert_no_secret(text_of(as_superuser.get(reverse("admin:index"))))


def test_stored_ciphertext_is_not_shown_either(rows: Rows, as_superuser: Client) -> None:
    for page in ("bots_bot", "auth_sessions_authsession", "auth_sessions_usertoken"):
        assert "gAAAA" not in text_of(as_superuser.get(page_of(page, rows.of(page))))


def test_payload_is_shown_with_its_tokens_masked(rows: Rows, as_superuser: Client) -> None:
    html = text_of(as_superuser.get(page_of("events_event", rows.event)))
    assert "ou_asked" in html
    assert html.count(MASK) >= 2


def test_payload_that_is_no_json_is_masked_too(rows: Rows, as_superuser: Client) -> None:
    raw = b'{"token": "the-card-token", "text": "half an eve'
    Event.objects.filter(pk=rows.event.pk).update(payload=raw, status=EventStatus.QUARANTINED)
    html = text_of(as_superuser.get(page_of("events_event", rows.event)))
    assert "half an eve" in html
    assert_no_secret(html)
