import pytest
from django.urls import reverse
from django.utils.html import escape

from core.access.models import AuditEntry
from events.handling import registry
from events.handling.switches import switches_of
from events.models import HandlerSwitch
from tests.factories import make_bot, make_operator

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot(monkeypatch):
    monkeypatch.setattr(registry, "_registry", registry.HandlerRegistry())

    @registry.on("im.message.*")
    def messages(event, bot): ...

    @registry.on("*", enabled=False)
    def everything(event, bot): ...

    return make_bot()


def page(bot) -> str:
    return reverse("admin:events_handledbot_change", args=[bot.pk])


def names() -> list[str]:
    return [handler.name for handler in registry.known_handlers()]


def test_page_lists_handlers_and_whether_they_run(client, bot):
    client.force_login(make_operator(superuser=True))
    content = client.get(page(bot)).content.decode()
    assert all(escape(name) in content for name in names())
    assert content.count(" checked>") == 1


def test_owner_switches_handlers_and_it_is_audited(client, bot):
    owner = make_operator()
    bot.owners.add(owner)
    client.force_login(owner)
    client.post(page(bot), {"handler_1": "on"})
    assert switches_of(bot.pk) == dict(zip(names(), [False, True], strict=True))
    entries = AuditEntry.objects.filter(action__startswith="handler.").order_by("pk")
    assert [(entry.action, entry.target) for entry in entries] == [
        ("handler.switched_off", names()[0]),
        ("handler.switched_on", names()[1]),
    ]


def test_what_stays_as_it_is_leaves_no_row(client, bot):
    client.force_login(make_operator(superuser=True))
    client.post(page(bot), {"handler_0": "on"})
    assert not HandlerSwitch.objects.exists()


def test_stranger_sees_and_changes_nothing(client, bot):
    client.force_login(make_operator())
    assert client.get(page(bot)).status_code == 404
    assert client.post(page(bot), {"handler_1": "on"}).status_code == 404
    assert not HandlerSwitch.objects.exists()
    listed = client.get(reverse("admin:events_handledbot_changelist")).content.decode()
    assert bot.name not in listed
