import pytest
from django.test import Client
from django.urls import reverse
from unfold.widgets import UnfoldBooleanWidget

from tests.factories import make_bot, make_operator

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_superuser() -> Client:
    client = Client()
    client.force_login(make_operator(superuser=True))
    return client


@pytest.fixture
def rendered(monkeypatch) -> list[str]:
    """The names of the checkboxes that Unfold renders."""
    names: list[str] = []
    render = UnfoldBooleanWidget.render

    def noted(widget, name, *args, **options):
        names.append(name)
        return render(widget, name, *args, **options)

    monkeypatch.setattr(UnfoldBooleanWidget, "render", noted)
    return names


def test_headers_are_made_once_however_many_rows_there_are(as_superuser: Client, rendered: list[str]) -> None:
    for number in range(5):
        make_bot(name=f"Bot {number}")
    page = as_superuser.get(reverse("admin:bots_bot_changelist"))
    assert rendered.count("action-toggle") == 1
    assert page.content.count(b'data-label="') > 6
