from django.test import Client
from django.urls import reverse

from bots.enums import MailingState, RecipientState
from bots.models import BatchRecipient, MessageBatch
from tests.console.rows import Rows, list_of, messages_of, page_of, text_of


def button(batch: MessageBatch, name: str) -> str:
    return reverse(f"admin:bots_messagebatch_{name}", args=[batch.pk])


def test_batch_shows_its_numbers_which_lead_to_the_recipients(rows: Rows, as_owner: Client) -> None:
    batch = rows.recipient.mailing
    html = text_of(as_owner.get(page_of("bots_messagebatch", batch)))
    listed = f"{list_of('bots_batchrecipient')}?mailing__id__exact={batch.pk}"
    assert f"{listed}&amp;state__exact=failed" in html
    assert "0 of 1 sent" in html
    assert "Sent to nobody" in html
    assert f'<h1 title="{batch.pk}' not in html
    assert "hello" not in html
    assert as_owner.get(button(batch, "show_recipients"))["Location"] == listed
    assert list(as_owner.get(listed).context["cl"].result_list) == [rows.recipient]
    html = text_of(as_owner.get(page_of("bots_batchrecipient", rows.recipient)))
    assert "lilei@example.test" in html


def test_failed_recipients_are_tried_again_from_the_page(rows: Rows, as_owner: Client) -> None:
    batch = rows.recipient.mailing
    assert messages_of(as_owner.post(button(batch, "retry"), follow=True)) == ["They are tried again."]
    batch.refresh_from_db()
    assert batch.state == MailingState.SENDING
    assert BatchRecipient.objects.get().state == RecipientState.READY
    words = "The batch has changed in the meantime. This page shows how it stands now."
    assert messages_of(as_owner.post(button(batch, "retry"), follow=True)) == [words]


def test_batch_under_way_is_cancelled_and_one_that_has_ended_is_not(rows: Rows, as_owner: Client) -> None:
    batch = rows.recipient.mailing
    html = text_of(as_owner.get(page_of("bots_messagebatch", batch)))
    assert button(batch, "cancel") not in html
    MessageBatch.objects.update(state=MailingState.SENDING)
    html = text_of(as_owner.get(page_of("bots_messagebatch", batch)))
    assert button(batch, "cancel") in html
    assert "data-reload" in html
    assert messages_of(as_owner.post(button(batch, "cancel"), follow=True)) == ["The batch is cancelled."]
