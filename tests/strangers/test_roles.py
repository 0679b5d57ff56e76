"""Auditors and viewers change nothing, by any page, action or route of the portal; auditors see all of it, viewers the bots
they are given. What is tried is enumerated from the running configuration, as it is for strangers."""

from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from core.access.models import User
from core.access.roles import Role
from core.access.visibility import is_owned
from core.console.actions import is_changing
from core.console.live import sockets
from core.vault.fields import encrypted_fields
from feishu_portal import asgi
from tests.console.test_visibility import names_of
from tests.core.console.live.browser import Socket, cookie_of
from tests.factories import make_operator
from tests.strangers.attempts import (
    EVERYBODY,
    OPEN,
    Attempt,
    action_attempts,
    handshakes,
    page_attempts,
    route_attempts,
)
from tests.strangers.private import Private, contents, make_private, make_strangers
from tests.strangers.test_strangers import changed, sent, told_until_quiet

# Each test sends hundreds of requests, and says little of the database: see test_strangers.py.
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(600),
    pytest.mark.only_on("postgres"),
]

REFUSED = {400, 401, 403, 404, 405, 410}
FOR_EVERY_ROLE = {
    "admin/logout/", "admin/password_change/",
    "admin/security/sessions/", "admin/security/confirm/", "admin/security/confirm/passkey/options/",
    "admin/security/app/", "admin/security/app/begin/", "admin/security/codes/", "admin/security/passkeys/options/",
    "admin/security/feishu/", "admin/security/feishu/unlink/", "admin/security/notices/",
    # Live pages that ask how it stands.
    "admin/connections/changes/", "admin/connections/bots/", "admin/events/event/live/poll/",
}  # fmt: skip
"""Forms that an auditor or a viewer may send, beside what is open to everybody: they read, or change nothing but the own account."""
OF_AN_OPERATOR = {"events.ReplayJob", "events.Subscription"}
"""Seen by the operator whose they are, and by those who see everything."""
READING_BUTTONS = {"check_again", "groups", "test_filter", "show_people", "show_recipients"}
"""Buttons that lead to something to read; what they do when they are posted to is refused."""


@pytest.fixture(autouse=True)
def quiet(monkeypatch, settings) -> None:
    """Notifications stay in the process; sockets read often, so that a test need not wait."""
    settings.CHANNEL_LAYERS = {}
    monkeypatch.setattr(sockets, "READ_EVERY", 0.2)
    monkeypatch.setattr(sockets, "PAUSE", 0.05)


@pytest.fixture
def private() -> Private:
    return make_private()


@pytest.fixture(params=[Role.AUDITOR, Role.VIEWER], ids=str)
def reader(request, private) -> User:
    """An auditor, who owns nothing; a viewer, who is given the bot."""
    user = make_operator(f"the-{request.param}", role=request.param)
    if user.role == Role.VIEWER:
        private.bot.owners.add(user)
    return user


def signed_in(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def forms_sent(private: Private) -> Iterator[Attempt]:
    yield from (attempt for attempt in page_attempts(private) if attempt.method != "GET")
    yield from action_attempts(private, make_strangers())
    yield from (attempt for attempt in route_attempts(private) if attempt.method != "GET")


def test_no_form_action_or_route_changes_anything(private: Private, reader: User) -> None:
    attempts = list(forms_sent(private))
    before = contents()
    faults = []
    client = signed_in(reader)
    for attempt in attempts:
        used = signed_in(reader) if attempt.route == "admin/logout/" else client
        status = sent(attempt, used).status_code
        is_open = attempt.route in FOR_EVERY_ROLE or OPEN.get(attempt.route, ((),))[0] == EVERYBODY
        if status not in REFUSED and not is_open:
            faults.append(
                f"{attempt} answers {status}. Refuse, or mark its view for_every_role and say so in FOR_EVERY_ROLE."
            )
    assert len(attempts) > 100
    assert not faults, "\n".join(faults)
    assert changed(before, contents()) == []


def secrets() -> set[str]:
    """Every secret that is stored."""
    return {
        value
        for model in apps.get_models()
        for field in encrypted_fields(model)
        for row in model._base_manager.all()
        if (value := getattr(row, field.name))
    }


def test_every_row_can_be_looked_at_and_no_secret_is_among_it(private: Private, reader: User) -> None:
    client = signed_in(reader)
    hidden = secrets()
    assert "the-app-secret" in hidden
    for model in admin.site._registry:
        place = f"{model._meta.app_label}_{model._meta.model_name}"
        row = private.rows[model._meta.label]
        for address in (
            reverse(f"admin:{place}_changelist"),
            reverse(f"admin:{place}_change", args=[row.pk]),
        ):
            answer = client.get(address)
            is_row = address.endswith("/change/")
            is_given = is_owned(model) and not (is_row and model._meta.label in OF_AN_OPERATOR)
            is_seen = reader.role == Role.AUDITOR or is_given
            assert answer.status_code == 200 if is_seen else answer.status_code in {403, 404}, address
            page = answer.content.decode()
            assert not [word for word in hidden if word in page], address
            assert 'name="_save"' not in page, address


def buttons() -> Iterator[tuple[Any, str]]:
    """Of every page of the console, the names of its actions."""
    admin.autodiscover()
    for page in admin.site._registry.values():
        for name in names_of((*page.actions_list, *page.actions_row, *page.actions_detail)):  # type: ignore[attr-defined]
            yield page, name


def test_buttons_that_are_for_every_role_are_known() -> None:
    assert {name for page, name in buttons() if not is_changing(getattr(page, name))} == READING_BUTTONS


def test_page_of_a_button_that_changes_something_does_not_open(private: Private, reader: User) -> None:
    client = signed_in(reader)
    for page, name in buttons():
        if name in READING_BUTTONS:
            continue
        row = [] if name in page.actions_list else [private.rows[page.opts.label].pk]
        address = reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_{name}", args=row)
        assert client.get(address).status_code == 403, address


async def test_live_channels_tell_what_the_role_may_see(private: Private, reader: User) -> None:
    cookie = await sync_to_async(cookie_of)(reader)
    for path, each in (await sync_to_async(handshakes)(private)).items():
        async with Socket(asgi.application, path, cookie=cookie) as socket:
            heard = await told_until_quiet(socket, each[0])
        assert sockets.SIGNED_OUT not in heard, path
        assert any(
            text in str(heard)
            for text in (private.bot.name, private.key_of("events.Event"), str(private.bot.pk))
        ), path


def test_viewer_of_another_bot_sees_nothing_of_this_one(private: Private) -> None:
    viewer = make_operator(role=Role.VIEWER)
    make_strangers().bot.owners.add(viewer)
    client = signed_in(viewer)
    for model in admin.site._registry:
        row = private.rows[model._meta.label]
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])
        if model._meta.label != "events.ShedCount":  # counts of the whole portal, which name nobody
            assert client.get(address).status_code in {403, 404}, address
