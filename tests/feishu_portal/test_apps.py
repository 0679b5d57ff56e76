from django.contrib import admin
from django.core.checks import Tags, run_checks

from bots.models import Bot


def test_pages_of_the_console_are_checked_although_they_are_loaded_late(monkeypatch):
    assert run_checks(tags=[Tags.admin]) == []
    monkeypatch.setattr(type(admin.site.get_model_admin(Bot)), "list_display", ("nothing",))
    assert [message.id for message in run_checks(tags=[Tags.admin])] == ["admin.E108"]
