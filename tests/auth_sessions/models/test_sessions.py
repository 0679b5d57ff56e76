import pytest

from auth_sessions.domain.sessions import request_authorization
from core.access.actors import SYSTEM, Actor
from tests.factories import make_client, make_operator

pytestmark = pytest.mark.django_db


def requested_by(bot, actor: Actor):
    return request_authorization(bot=bot, open_id="ou_asked", actor=actor)


@pytest.mark.parametrize(
    ("make", "actor_of"),
    [(make_client, Actor.api), (make_operator, Actor.operator)],
    ids=["client", "operator"],
)
def test_request_belongs_to_the_key_and_not_to_the_name(bot, make, actor_of):
    first, other = make("crm"), make("other")
    session = requested_by(bot, actor_of(first))
    assert session.is_requested_by(actor_of(first))
    assert not session.is_requested_by(actor_of(other))
    for row, name in ((first, "renamed"), (other, "crm")):
        setattr(row, "name" if hasattr(row, "name") else "username", name)
        row.save()
    assert session.is_requested_by(actor_of(first))
    assert not session.is_requested_by(actor_of(other))


def test_request_of_a_deleted_client_is_nobodys(bot):
    client = make_client("crm")
    session = requested_by(bot, Actor.api(client))
    client.delete()
    session.refresh_from_db()
    assert session.requested_by == "api:crm"
    assert not session.is_requested_by(Actor.api(make_client("crm")))


def test_actors_without_a_key_are_known_by_their_names(bot):
    session = requested_by(bot, Actor.user("ou_asked"))
    assert session.is_requested_by(Actor.user("ou_asked"))
    for other in (Actor.user("ou_other"), SYSTEM, Actor.api(make_client("ou_asked"))):
        assert not session.is_requested_by(other)
