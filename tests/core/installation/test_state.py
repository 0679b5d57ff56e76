from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from core.access.models import DatabaseAnchor, Installation
from core.installation import state, witness
from core.installation.place import place
from core.installation.state import BEHIND, Cause
from core.installation.witness import Witness

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_database(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(state, "_contents", [lambda: True])
    settings.DATA_DIR = tmp_path
    settings.PUBLIC_URL = "https://portal.example.com"
    Installation.objects.all().delete()
    state.create()
    state.look()


def cause() -> Cause | None:
    return state.look().cause


def test_new_database_belongs_to_the_installation_that_made_it(settings):
    assert cause() is None
    [installation] = Installation.objects.all()
    state.create()
    assert Installation.objects.get().identity == installation.identity


def test_database_without_a_word_on_it_is_nobodys_copy():
    Installation.objects.all().delete()
    assert cause() is None


def test_setting_makes_passive_whatever_the_database_says(settings):
    settings.PASSIVE = True
    assert cause() == Cause.SETTING
    Installation.objects.all().delete()
    assert cause() == Cause.SETTING


def test_rows_that_were_rewritten_are_a_restore():
    """As after pg_restore of the data alone, or loaddata."""
    DatabaseAnchor.objects.all().delete()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SAVEPOINT another_transaction_id")
            DatabaseAnchor.objects.create()
        assert cause() == Cause.PLACE


def test_database_that_lay_elsewhere_is_a_copy():
    Installation.objects.update(place="1:2:3")
    assert cause() == Cause.PLACE


def test_copy_of_a_database_that_was_only_migrated_is_a_new_one_whatever_is_in_it():
    Installation.objects.all().delete()
    state.create()
    template = Installation.objects.get()
    assert template.place == ""
    assert state.judge().cause is None
    assert cause() is None
    claimed = Installation.objects.get()
    assert claimed.place == place()
    assert (claimed.identity != template.identity) == bool(place())
    Installation.objects.update(place=f"{place()}0")
    assert cause() == Cause.PLACE


class TestEmpty:
    """A database without bots, e.g. one that was made from a prepared template."""

    @pytest.fixture(autouse=True)
    def empty(self, monkeypatch):
        self.has_bots = False
        monkeypatch.setattr(state, "_contents", [lambda: self.has_bots])

    @pytest.mark.parametrize(
        "differs", [{"place": "1:2:3"}, {"name": "template"}, {"found_behind_at": timezone.now()}]
    )
    def test_copy_of_an_empty_database_is_a_new_one(self, differs):
        Installation.objects.update(**differs)
        before = Installation.objects.get().identity
        assert state.judge().cause is None
        assert Installation.objects.get().identity == before
        assert cause() is None
        assert Installation.objects.get().identity != before
        self.has_bots = True
        assert cause() is None

    def test_setting_holds_for_it_too(self, settings):
        settings.PASSIVE = True
        assert cause() == Cause.SETTING


class TestName:
    def test_another_name_is_another_installation(self, settings):
        settings.INSTALLATION = "production"
        state.adopt()
        assert cause() is None
        settings.INSTALLATION = "staging"
        assert cause() == Cause.NAME

    def test_named_database_refuses_processes_that_do_not_say_who_they_are(self, settings):
        settings.INSTALLATION = "production"
        state.adopt()
        settings.INSTALLATION = ""
        assert cause() == Cause.NAME

    def test_database_without_a_name_takes_the_first_one(self, settings):
        settings.INSTALLATION = "production"
        assert cause() is None
        assert Installation.objects.get().name == "production"
        settings.INSTALLATION = "staging"
        assert cause() == Cause.NAME

    def test_copy_without_a_name_takes_none(self, settings):
        Installation.objects.update(place="1:2:3")
        settings.INSTALLATION = "staging"
        assert cause() == Cause.PLACE
        assert Installation.objects.get().name == ""

    def test_public_url_may_change_under_the_same_name(self, settings):
        settings.INSTALLATION = "production"
        assert cause() is None
        settings.PUBLIC_URL = "https://bots.example.com"
        assert cause() is None
        assert Installation.objects.get().host == "bots.example.com"


class TestHost:
    @pytest.fixture(autouse=True)
    def stakes(self, monkeypatch):
        self.are_there = True
        monkeypatch.setattr(state, "_stakes", [lambda: self.are_there])

    def test_nameless_copy_under_another_public_url_is_told_apart(self, settings):
        assert cause() is None
        settings.PUBLIC_URL = "https://staging.example.com"
        assert cause() == Cause.HOST

    def test_first_name_of_a_copy_under_another_public_url_is_not_believed(self, settings):
        assert cause() is None
        settings.PUBLIC_URL = "https://staging.example.com"
        settings.INSTALLATION = "staging"
        assert cause() == Cause.HOST
        assert Installation.objects.get().name == ""

    def test_public_url_is_corrected_freely_before_anybody_authorized(self, settings):
        self.are_there = False
        settings.PUBLIC_URL = "https://prtal.example.com"
        assert cause() is None
        settings.PUBLIC_URL = "https://portal.example.com:8443"
        assert cause() is None
        assert Installation.objects.get().host == "portal.example.com"

    @pytest.mark.parametrize("url", ["", "http://localhost:8000", "http://127.0.0.1:9000", "http://[::1]:1"])
    def test_process_without_an_address_of_its_own_says_nothing(self, settings, url):
        assert cause() is None
        settings.PUBLIC_URL = url
        assert cause() is None
        assert Installation.objects.get().host == "portal.example.com"


class TestBehind:
    def seen(self, **ago: float) -> None:
        [installation] = Installation.objects.all()
        witness.write(Witness(installation.identity, timezone.now()))
        Installation.objects.update(marked_at=timezone.now() - timedelta(**ago))

    def test_database_that_was_put_back_to_yesterday_is_noticed_by_a_host_that_saw_today(self):
        self.seen(days=1)
        assert cause() == Cause.BEHIND

    def test_other_hosts_learn_of_it_from_the_database(self, settings, tmp_path):
        self.seen(days=1)
        assert state.judge().cause == Cause.BEHIND
        assert Installation.objects.get().found_behind_at is None
        assert cause() == Cause.BEHIND
        settings.DATA_DIR = tmp_path / "another host"
        settings.DATA_DIR.mkdir()
        assert cause() == Cause.BEHIND

    def test_standby_that_lacks_the_last_minutes_takes_over(self):
        self.seen(seconds=BEHIND.total_seconds() - 60)
        assert cause() is None

    def test_file_about_another_installation_says_nothing(self):
        witness.write(Witness(uuid4(), timezone.now() + timedelta(days=1)))
        assert cause() is None
        assert witness.read().identity == Installation.objects.get().identity

    def test_portal_that_was_off_for_a_year_goes_on(self):
        assert cause() is None
        long_ago = timezone.now() - timedelta(days=365)
        Installation.objects.update(marked_at=long_ago)
        witness.write(Witness(Installation.objects.get().identity, long_ago))
        assert cause() is None
        assert Installation.objects.get().marked_at > long_ago

    def test_passive_portal_marks_nothing(self):
        Installation.objects.update(place="1:2:3")
        before = Installation.objects.get().marked_at - timedelta(hours=1)
        Installation.objects.update(marked_at=before)
        assert cause() == Cause.PLACE
        assert Installation.objects.get().marked_at == before


@pytest.mark.only_on("postgres")
def test_adopted_database_lies_where_the_next_restore_of_the_same_kind_will_not():
    """In fresh clusters the same dump is restored under the same numbers every time."""
    restored = place()
    state.adopt()
    assert place() != restored
    assert cause() is None


def test_adopted_database_has_another_identity_and_is_active():
    before = Installation.objects.get().identity
    Installation.objects.update(place="1:2:3", found_behind_at=timezone.now())
    assert cause() == Cause.PLACE
    state.adopt()
    [after] = Installation.objects.all()
    assert cause() is None
    assert after.identity != before
    assert after.adopted_at is not None
