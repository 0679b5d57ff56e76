"""The page of an incident: its bot, its one repair and its silence."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bots.models import Incident, ProblemSilence
from core.access.models import User
from core.access.roles import Role
from tests.console.rows import Rows, list_of, page_of, signed_in, text_of


@pytest.fixture
def incident(rows: Rows, owner: User) -> Incident:
    return Incident.objects.create(
        bot=rows.bot, cause="configuration", code=10014, message="app secret invalid", began_at=timezone.now()
    )


def page(client: Client, incident: Incident) -> str:
    return text_of(client.get(page_of("bots_incident", incident)))


def test_page_is_titled_with_the_bot_and_leads_to_its_repair(as_owner: Client, incident: Incident) -> None:
    html = page(as_owner, incident)
    address = f"{page_of('bots_bot', incident.bot)}#id_app_secret"
    assert incident.headline in html.partition("</title>")[0]
    assert f'href="{address}"' in html
    assert "Update App Secret" in html
    assert f'<a class="text-link" href="{page_of("bots_bot", incident.bot)}">' in html
    assert html.count("App ID or App Secret is wrong") == 1


def test_incident_that_is_over_has_no_buttons(as_owner: Client, incident: Incident) -> None:
    Incident.objects.update(closed_at=timezone.now())
    html = page(as_owner, incident)
    assert "Update App Secret" not in html
    assert "Silence for a day" not in html


def test_incident_is_silenced_and_told_again_on_its_page(as_owner: Client, incident: Incident) -> None:
    assert "Silence for a day" in page(as_owner, incident)
    as_owner.post(page_of("bots_incident", incident, "silence"))
    assert ProblemSilence.objects.get().key == incident.problem_key
    html = page(as_owner, incident)
    assert "Silenced by Operator · owner" in html
    assert "End silence" in html
    as_owner.post(page_of("bots_incident", incident, "end_silence"))
    assert not ProblemSilence.objects.exists()


def test_who_only_views_finds_no_button_and_is_refused(incident: Incident, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(role=Role.VIEWER)
    as_viewer = signed_in(owner)
    html = page(as_viewer, incident)
    assert incident.headline in html
    for words in ("Update App Secret", "Silence for a day", "Take it", "Assign"):
        assert words not in html
    for name in ("silence", "end_silence", "take", "assign"):
        assert as_viewer.post(page_of("bots_incident", incident, name)).status_code == 403
    assert not ProblemSilence.objects.exists()


def test_stranger_finds_no_incident(incident: Incident, as_stranger: Client) -> None:
    for name in ("silence", "end_silence", "take", "assign"):
        assert as_stranger.post(page_of("bots_incident", incident, name)).status_code == 404


def test_page_is_chinese_for_a_chinese_browser(incident: Incident, superuser: User) -> None:
    html = page(signed_in(superuser, "zh-CN"), incident)
    assert "更新 App Secret" in html
    assert "静默一天" in html


def test_bots_page_prints_the_cause_of_an_outage_once(incident: Incident, as_owner: Client) -> None:
    html = text_of(as_owner.get(page_of("bots_bot", incident.bot)))
    assert incident.headline not in html
    overview = text_of(as_owner.get(reverse("admin:index")))
    assert overview.count("App ID or App Secret is wrong") == 1


def test_operator_takes_an_incident_and_finds_it_among_theirs(
    as_owner: Client, incident: Incident, owner: User
) -> None:
    assert "Take it" in page(as_owner, incident)
    as_owner.post(page_of("bots_incident", incident, "take"))
    incident.refresh_from_db()
    assert incident.assignee == owner
    assert page_of("bots_incident", incident, "take") not in page(as_owner, incident)

    def found(taken: str) -> list[Incident]:
        listed = as_owner.get(list_of("bots_incident"), {"taken": taken}).context["cl"].result_list
        return [one for one in listed if one.pk == incident.pk]

    assert (found("mine"), found("nobody")) == ([incident], [])
    listing = text_of(as_owner.get(list_of("bots_incident")))
    assert owner.get_username() in listing


def test_incident_is_assigned_to_somebody_who_sees_the_bot(
    as_owner: Client, incident: Incident, superuser: User, stranger: User
) -> None:
    address = page_of("bots_incident", incident, "assign")
    form = text_of(as_owner.get(address))
    assert f'<option value="{superuser.pk}"' in form
    assert stranger.get_username() not in form
    assert "valid choice" in text_of(as_owner.post(address, {"operator": stranger.pk}))
    as_owner.post(address, {"operator": superuser.pk})
    incident.refresh_from_db()
    assert incident.assignee == superuser
    assert f"{superuser} takes care of it." in text_of(as_owner.get(page_of("bots_incident", incident)))
    as_owner.post(address, {"operator": ""})
    incident.refresh_from_db()
    assert incident.assignee is None
