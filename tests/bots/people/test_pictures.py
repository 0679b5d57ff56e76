from datetime import timedelta

import httpx2
import pytest
import respx
from django.utils import timezone

from bots.models import Bot, PeopleLookup, Person, PersonPicture
from bots.people import pictures
from bots.people.directory import names_of, remember
from feishu.people import Profile
from feishu.transport import Transport
from tests.factories import make_bot

pytestmark = pytest.mark.django_db

URL = "https://pictures.test/72"
PNG = b"\x89PNG\r\n\x1a\n one"
GIF = b"GIF89a another"


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """The messages to workers."""
    messages: list[tuple[object, ...]] = []
    monkeypatch.setattr(pictures, "notify", lambda *message: messages.append(message))
    return messages


@pytest.fixture
def hosts():
    with respx.mock(assert_all_called=False) as router:
        yield router


def named(url: str = URL, *, bot: Bot | None = None, open_id: str = "ou_1") -> Bot:
    """A bot, of one of whose people the platform has just named a picture."""
    bot = bot or make_bot()
    remember(bot, [Profile(open_id, name="王芳", avatar_url=url)])
    return bot


def fetch(bot: Bot) -> None:
    """As the worker does, with the connections of a test."""
    pictures.fetch(bot.pk, transport=Transport(httpx2.Client()))


def let_pass(**values: object) -> None:
    """The time until the next attempt."""
    PersonPicture.objects.exclude(fetch_at=None).update(fetch_at=timezone.now(), **values)
    PeopleLookup.objects.exclude(pictures_at=None).update(pictures_at=timezone.now())


def shown(bot: Bot) -> tuple[bytes, str]:
    """What there is of the person's picture: its bytes, and the digest that lists get."""
    picture = PersonPicture.objects.get(person__open_id="ou_1")
    return bytes(picture.content), names_of([(bot.pk, "ou_1")])[bot.pk, "ou_1"].picture


def test_picture_that_the_platform_names_is_fetched_once(
    hosts, sent, django_capture_on_commit_callbacks
) -> None:
    host = hosts.get(URL).respond(content=PNG)
    with django_capture_on_commit_callbacks(execute=True):
        bot = named()
    assert sent == [("bots.fetch_pictures", str(bot.pk))]
    assert pictures.due_bots() == [bot.pk]
    assert shown(bot) == (b"", "")
    for _ in range(2):
        fetch(bot)
        named(bot=bot)
    content, digest = shown(bot)
    assert (content, len(digest)) == (PNG, 64)
    assert host.call_count == 1
    assert "authorization" not in host.calls[0].request.headers
    assert pictures.due_bots() == []


def test_picture_at_another_address_takes_the_place_of_the_old_one(hosts) -> None:
    hosts.get(URL).respond(content=PNG)
    hosts.get("https://pictures.test/new").respond(content=GIF)
    bot = named()
    fetch(bot)
    named("https://pictures.test/new", bot=bot)
    assert shown(bot)[0] == PNG
    fetch(bot)
    assert shown(bot)[0] == GIF


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(404, content=PNG),
        httpx2.Response(302, headers={"Location": "https://pictures.test/new"}),
        httpx2.Response(200, content=b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
        httpx2.Response(200, content=b"<html>", headers={"Content-Type": "image/png"}),
        httpx2.Response(200, content=PNG + bytes(pictures.MAX_BYTES)),
    ],
    ids=["missing", "elsewhere", "svg", "page", "large"],
)
def test_what_is_no_picture_is_not_kept_and_delays_nobody(hosts, answer: httpx2.Response) -> None:
    hosts.get(URL).mock(return_value=answer)
    elsewhere = hosts.get("https://pictures.test/new").respond(content=PNG)
    bot = named()
    remember(bot, [Profile("ou_2", avatar_url="https://pictures.test/2")])
    hosts.get("https://pictures.test/2").respond(content=PNG)
    fetch(bot)
    assert shown(bot) == (b"", "")
    assert not elsewhere.called
    assert PersonPicture.objects.exclude(digest="").get().person.open_id == "ou_2"


def test_host_that_is_away_is_asked_later_and_given_up_in_the_end(hosts) -> None:
    host = hosts.get(URL).mock(side_effect=httpx2.ConnectTimeout("away"))
    bot = named()
    remember(bot, [Profile("ou_2", avatar_url=URL)])
    fetch(bot)
    assert host.call_count == 1  # the other person's waits
    assert PeopleLookup.objects.get().pictures_at > timezone.now() + timedelta(minutes=4)
    for _ in range(2 * pictures.AGAIN.max_attempts):
        let_pass()
        fetch(bot)
    assert host.call_count == 2 * pictures.AGAIN.max_attempts
    assert pictures.due_bots() == []
    assert PeopleLookup.objects.get().pictures_at is None
    named(bot=bot)
    fetch(bot)
    assert host.call_count == 2 * pictures.AGAIN.max_attempts + 1


def test_address_in_a_network_that_is_not_allowed_is_not_connected_to(settings) -> None:
    settings.PLATFORM_NETWORKS = ["public"]
    bot = named("http://127.0.0.1:9/72")
    pictures.fetch(bot.pk)
    assert PersonPicture.objects.get().failures == 1


def test_picture_of_a_brand_is_held_to_the_same_networks(settings) -> None:
    settings.PLATFORM_NETWORKS = ["public"]
    bot = make_bot(platform="feishu", open_url="", accounts_url="")
    assert bot.route.networks is None
    named("http://127.0.0.1:9/72", bot=bot)
    pictures.fetch(bot.pk)
    assert PersonPicture.objects.get().failures == 1


@pytest.mark.parametrize(
    "url",
    ["", "ftp://pictures.test/1", "data:image/png;base64,AA", "https://", f"{URL}/{'x' * 500}", f"{URL}\0"],
)
def test_what_is_no_address_is_not_kept(url: str) -> None:
    named(url)
    assert not PersonPicture.objects.exists()


def test_bot_that_is_switched_off_fetches_nothing(hosts) -> None:
    host = hosts.get(URL).respond(content=PNG)
    bot = named()
    Bot.objects.update(enabled=False)
    assert pictures.due_bots() == []
    fetch(bot)
    assert not host.called


def test_picture_named_while_another_is_fetched_is_not_lost(hosts) -> None:
    bot = make_bot()

    def changed(_request: httpx2.Request) -> httpx2.Response:
        named("https://pictures.test/new", bot=bot)
        return httpx2.Response(200, content=PNG)

    hosts.get(URL).mock(side_effect=changed)
    hosts.get("https://pictures.test/new").respond(content=GIF)
    named(bot=bot)
    fetch(bot)
    assert shown(bot) == (b"", "")
    fetch(bot)
    assert shown(bot)[0] == GIF


def test_picture_goes_with_its_person(hosts) -> None:
    named()
    Person.objects.all().delete()
    assert not PersonPicture.objects.exists()
