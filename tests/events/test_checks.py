import pytest
from django.core.checks import run_checks
from django.db import connection

from events.handling import registry

pytestmark = pytest.mark.usefixtures("own_handlers")


def found(prefix: str) -> list[str]:
    return [f"{one.id}: {one.msg}" for one in run_checks() if one.id.startswith(prefix)]


@pytest.mark.django_db
@pytest.mark.parametrize(("atomic", "is_bounded"), [(True, connection.vendor == "sqlite"), (False, False)])
def test_transaction_of_a_handler_is_bounded_where_there_is_one_writer(atomic, is_bounded):
    registry.on("a", timeout=30, atomic=atomic)(lambda event, bot: None)
    [handler] = registry.known_handlers()
    assert handler.seconds == (10 if is_bounded else 30)
    assert [one[:12] for one in found("events.")] == (["events.W001:"] if is_bounded else [])


def test_setting_of_a_handler_that_does_not_exist_is_told_at_start(settings):
    registry.on("a", name="survey", enabled="SURVEY")(lambda event, bot: None)
    [complaint] = found("events.")
    assert complaint.startswith(f"events.W002: survey, registered at {__name__}:")
    assert "there is no setting SURVEY" in complaint
    settings.SURVEY = False
    assert found("events.") == []
