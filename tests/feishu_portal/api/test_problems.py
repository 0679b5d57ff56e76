import pytest

from core.access.models import ApiClient
from core.access.scopes import Scope
from tests.factories import make_bot
from tests.feishu_portal.api.callers import api_client, ask_for_authorization

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("debug", [True, False])
def test_error_of_our_own_is_a_problem_that_tells_nothing(monkeypatch, settings, caplog, debug):
    settings.DEBUG = debug

    def fail(self, scope):
        raise ValueError("app-secret-1")

    monkeypatch.setattr(ApiClient, "may", fail)
    response = api_client(Scope.BOTS_READ).get("/api/v1/bots")
    assert response.status_code == 500
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "internal_error"
    assert "app-secret-1" not in response.text
    assert "api_failed" in caplog.text


@pytest.mark.parametrize("address", ["/api/v1/bots?cursor=%00", "/api/v1/bots/%00"])
def test_address_that_no_database_takes_is_not_our_error(address):
    response = api_client(Scope.BOTS_READ).get(address)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("body", [{"open_id": "ou_\x00"}, {"open_id": "ou 1"}, {"scopes": ["a\x00"]}])
def test_value_that_is_no_id_and_no_name_is_refused(body):
    response = ask_for_authorization(api_client(Scope.AUTH_CREATE), make_bot(), **body)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


@pytest.mark.only_on("postgres")  # SQLite takes it
def test_value_that_the_database_does_not_take_is_not_our_error():
    response = ask_for_authorization(api_client(Scope.AUTH_CREATE), make_bot(), tenant_key="t\x00")
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
    assert "NUL" in response.json()["detail"]
