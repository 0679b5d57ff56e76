import pytest

from core.access.actors import MAX_LENGTH, SYSTEM, Actor
from core.access.models import ApiClient, User

LIN = User(pk=7, username="lin")
CRM = ApiClient(pk=7, name="CRM")


def test_actor_is_written_as_kind_and_name() -> None:
    assert str(Actor.operator(LIN)) == "operator:lin"
    assert str(Actor.api(CRM)) == "api:CRM"
    assert str(Actor.user("ou_1")) == "user:ou_1"
    assert str(Actor.command("addbot")) == "command:addbot"
    assert str(SYSTEM) == "system:portal"


@pytest.mark.parametrize("text", ["operator:lin", "api:CRM: the new one", "user:ou_1", "system:portal"])
def test_what_is_written_is_read(text: str) -> None:
    assert str(Actor.read(text)) == text


def test_odd_text_is_a_kind_without_a_name() -> None:
    for text in ("", "lin", "lin:"):
        assert Actor.read(text) == Actor(text.removesuffix(":"), "")


def test_key_is_that_of_the_row_of_its_own_kind() -> None:
    assert (Actor.operator(LIN).operator_id, Actor.operator(LIN).client_id) == (7, None)
    assert (Actor.api(CRM).operator_id, Actor.api(CRM).client_id) == (None, 7)
    assert (SYSTEM.operator_id, SYSTEM.client_id) == (None, None)


def test_operator_who_takes_over_a_name_is_another_actor() -> None:
    assert Actor.operator(LIN) != Actor.operator(User(pk=8, username="lin"))


def test_actor_is_the_same_from_wherever_it_acts() -> None:
    assert Actor.operator(LIN).at("192.0.2.1") == Actor.operator(LIN)
    assert Actor.operator(LIN).at("192.0.2.1").address == "192.0.2.1"
    assert (SYSTEM.address, Actor.operator(LIN).address) == ("", "")


def test_text_fits_its_columns_whatever_the_name() -> None:
    assert len(str(Actor.command("x" * 1000))) == MAX_LENGTH
