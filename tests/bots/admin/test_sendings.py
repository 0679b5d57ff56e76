from django.test import Client

from bots.models import Sending
from core.access.models import ApiClient
from tests.console.rows import Rows, list_of, make_sending


def found(client: Client, term: str) -> list[Sending]:
    return list(client.get(list_of("bots_sending"), {"q": term}).context["cl"].result_list)


def test_messages_are_found_by_address_and_by_client_whatever_it_was_called(
    rows: Rows, as_owner: Client, api_client: ApiClient
) -> None:
    of_client = make_sending(rows.bot)
    Sending.objects.filter(pk=of_client.pk).update(client=api_client)
    ApiClient.objects.filter(pk=api_client.pk).update(name="orders")
    assert found(as_owner, "orders") == found(as_owner, "api:orders") == [of_client]
    assert found(as_owner, rows.sending.target) == [rows.sending]
    assert found(as_owner, "nobody") == []
    assert len(found(as_owner, "")) == 2


def test_stranger_finds_no_message_by_its_client(
    rows: Rows, as_stranger: Client, api_client: ApiClient
) -> None:
    Sending.objects.update(client=api_client)
    assert found(as_stranger, api_client.name) == []
