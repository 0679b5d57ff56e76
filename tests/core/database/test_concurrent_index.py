import pytest
from django.db import NotSupportedError, connection
from django.db.migrations import CreateModel
from django.db.migrations.state import ProjectState
from django.db.models import BigAutoField, Index, IntegerField

from core.database.concurrent_index import AddIndexConcurrently

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "thing_number"
ADDING = AddIndexConcurrently("Thing", Index(fields=["number"], name=NAME))


@pytest.fixture
def states():
    """Before and after; the table is there."""
    before = ProjectState()
    making = CreateModel("Thing", [("id", BigAutoField(primary_key=True)), ("number", IntegerField())])
    making.state_forwards("access", before)
    with connection.schema_editor() as editor:
        making.database_forwards("access", editor, ProjectState(), before)
    after = before.clone()
    ADDING.state_forwards("access", after)
    yield before, after
    with connection.schema_editor() as editor:
        editor.delete_model(before.apps.get_model("access", "Thing"))


def migrate(operation, before, after) -> None:
    with connection.schema_editor(atomic=False) as editor:
        operation("access", editor, before, after)


def is_there() -> bool:
    with connection.cursor() as cursor:
        return NAME in connection.introspection.get_constraints(cursor, "access_thing")


def test_index_is_made_and_taken_away(states):
    migrate(ADDING.database_forwards, *states)
    assert is_there()
    migrate(ADDING.database_backwards, *reversed(states))
    assert not is_there()


@pytest.mark.only_on("postgres")
def test_index_that_an_interruption_left_is_made_again(states):
    migrate(ADDING.database_forwards, *states)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [NAME])
    migrate(ADDING.database_forwards, *states)
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass", [NAME])
        assert cursor.fetchone() == (True,)


@pytest.mark.only_on("postgres")
def test_transaction_is_refused(states):
    with connection.schema_editor() as editor, pytest.raises(NotSupportedError):
        ADDING.database_forwards("access", editor, *states)
