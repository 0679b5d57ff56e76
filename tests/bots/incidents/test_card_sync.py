"""Cards that follow their incidents: from the notice to the end, and where the platform changes them no more."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import respx
from django.utils import timezone

from bots.incidents import silences
from bots.incidents.assignment import assign
from bots.incidents.card_sync import CARDS
from bots.incidents.notices import drop_all_notices
from bots.incidents.repairs import problem_of
from bots.models import Bot, Incident, Notice, NoticeCard
from core.access.actors import SYSTEM
from core.access.models import User
from tests.bots.incidents.people import (
    let_time_pass,
    make_person,
    make_troubled,
    make_well,
    notify_all,
    recover,
)
from tests.factories import PLATFORM

pytestmark = pytest.mark.django_db


class Chat:
    """What the platform shows: texts that were sent, and the colour of the card whenever it was sent or patched."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.colours: list[str] = []
        self.is_gone = False
        self.meanwhile: Callable[[], object] = bool

    def send(self, request: Any) -> Any:
        self.meanwhile()
        message = json.loads(request.content)
        content = json.loads(message["content"])
        if message["msg_type"] == "text":
            self.texts.append(content["text"])
        else:
            self.colours.append(content["header"]["template"])
        return httpx2.Response(200, json={"code": 0, "data": {"message_id": "om_1", "chat_id": "oc_1"}})

    def patch(self, request: Any) -> Any:
        if self.is_gone:
            return httpx2.Response(400, json={"code": 230031, "msg": "too old"})
        card = json.loads(json.loads(request.content)["content"])
        self.colours.append(card["header"]["template"])
        return httpx2.Response(200, json={"code": 0, "data": {}})


@pytest.fixture
def chat() -> Iterator[Chat]:
    chat = Chat()
    with respx.mock(base_url=PLATFORM, assert_all_called=False) as router:
        router.post("/open-apis/auth/v3/tenant_access_token/internal").respond(
            json={"code": 0, "tenant_access_token": "t-0ken", "expire": 7140}
        )
        router.post("/open-apis/im/v1/messages").mock(side_effect=chat.send)
        router.patch("/open-apis/im/v1/messages/om_1").mock(side_effect=chat.patch)
        yield chat


@pytest.fixture
def lin() -> User:
    return make_person("lin", email="", feishu_address="ou_lin")


@pytest.fixture
def troubled(lin: User) -> Bot:
    make_well(lin)
    return make_troubled(lin)


def follow() -> None:
    """What a sweep does for cards."""
    for pk in CARDS.due():
        CARDS.sync(pk)


def end(bot: Bot) -> None:
    recover(bot)
    for _ in range(2):
        notify_all()
        let_time_pass()
    follow()


def test_card_is_sent_once_and_turns_green(chat, troubled):
    notify_all()
    follow()
    assert chat.colours == ["red"]
    end(troubled)
    assert (chat.colours, chat.texts) == (["red", "green"], [])
    notice = Notice.objects.get()
    assert notice.recovery_sent_at
    assert notice.due_at is None


def test_card_says_who_takes_it_and_is_silenced_for_as_long(chat, troubled, lin):
    notify_all()
    incident = Incident.objects.get()
    assign(incident, lin, actor=SYSTEM)
    follow()
    silences.silence(problem_of(incident), actor=SYSTEM)
    follow()
    follow()
    assert chat.colours == ["red", "turquoise", "grey"]
    card = NoticeCard.objects.get()
    assert card.card_retry_at is not None
    assert card.card_retry_at > timezone.now() + timedelta(hours=23)
    silences.end_silence(problem_of(incident), actor=SYSTEM)
    follow()
    assert chat.colours[-1] == "turquoise"


def test_silence_that_ends_by_itself_is_shown(chat, troubled):
    notify_all()
    silences.silence(problem_of(Incident.objects.get()), actor=SYSTEM)
    follow()
    silences.ProblemSilence.objects.update(until=timezone.now())
    NoticeCard.objects.update(card_retry_at=timezone.now())
    follow()
    assert chat.colours == ["red", "grey", "red"]


def test_end_is_told_as_text_where_the_card_is_gone(chat, troubled):
    notify_all()
    chat.is_gone = True
    end(troubled)
    assert Notice.objects.get().card is None
    notify_all()
    [text] = chat.texts
    assert text.startswith("Helper has recovered")


def test_end_is_told_as_text_where_the_cards_bot_is_switched_off(chat, troubled, lin):
    notify_all()
    Bot.objects.filter(pk=NoticeCard.objects.get().bot_id).update(enabled=False)
    make_well(lin, name="Another")
    recover(troubled)
    for _ in range(3):
        notify_all()
        let_time_pass()
    assert [text.partition("\n")[0] for text in chat.texts] == ["Helper has recovered"]


def test_what_happens_while_the_card_is_sent_is_shown_after_it(chat, troubled, lin):
    chat.meanwhile = lambda: assign(Incident.objects.get(), lin, actor=SYSTEM)
    notify_all()
    follow()
    assert chat.colours == ["red", "turquoise"]


def test_copy_of_the_database_patches_no_card(chat, troubled, lin):
    notify_all()
    assign(Incident.objects.get(), lin, actor=SYSTEM)
    drop_all_notices()
    follow()
    assert chat.colours == ["red"]
