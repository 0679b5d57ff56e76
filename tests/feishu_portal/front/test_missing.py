"""With DEBUG on, too, an unknown address has the portal's page."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import make_operator

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("debug", [True, False])
def test_unknown_address_has_the_portals_page(debug, settings):
    settings.DEBUG = debug
    answer = Client(headers={"accept-language": "zh-CN"}).get("/no/such/page")
    assert answer.status_code == 404
    assert 'data-testid="problem"' in answer.text
    assert "页面不存在" in answer.text


def test_row_that_is_not_there_has_it_too(settings):
    settings.DEBUG = True
    client = Client()
    client.force_login(make_operator(superuser=True))
    answer = client.get(reverse("admin:events_event_change", args=[1]))
    assert answer.status_code == 404
    assert 'data-testid="problem"' in answer.text


def test_api_answers_a_problem_document(settings):
    settings.DEBUG = True
    assert Client().get("/api/v1/no/such").headers["Content-Type"] == "application/problem+json"
