import pytest
from django.utils import timezone, translation

from bots.incidents.causes import cause_named, registered_causes
from bots.models import Incident
from feishu.codes import explain
from tests.factories import make_bot


def test_apps_bring_causes_of_their_own_those_of_lower_apps_first():
    names = [cause.name for cause in registered_causes()]
    of_the_fleet = ["no_fleet", "no_worker", "no_refresher", "no_scheduler"]
    assert names[:7] == [*of_the_fleet, "configuration", "not_connected", "foreign"]
    assert {"deliveries", "refresh"} <= set(names)


@pytest.mark.parametrize(
    "name", ["configuration", "not_connected", "foreign", "clock", "refresh", "deliveries", "unreadable"]
)
@pytest.mark.django_db
def test_every_cause_is_explained_in_both_languages(name):
    incident = Incident(bot=make_bot(name="Helper"), cause=name, message="3/1", began_at=timezone.now())
    for language in ("en", "zh-hans"):
        with translation.override(language):
            assert "Helper" in incident.headline
            info = incident.explanation
            assert info.cause.in_language(language)
            assert info.cure.in_language(language)


@pytest.mark.django_db
def test_incident_of_an_app_that_has_left_can_still_be_shown():
    incident = Incident(bot=make_bot(name="Helper"), cause="gone", code=10015, began_at=timezone.now())
    assert (str(incident), incident.headline) == ("Helper", "Helper")
    assert incident.explanation == explain(10015)
    assert cause_named("gone").page == "admin:bots_bot_change"
