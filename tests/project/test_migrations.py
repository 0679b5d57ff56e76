"""No migration breaks the release before, which runs on while an upgrade is under way: docs/operations/upgrading.md."""

import re

import pytest
from django.apps import apps
from django.db import migrations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.db.models import CharField, CheckConstraint, Index, IntegerField, Q

from core.database.concurrent_index import AddIndexConcurrently
from tests.project.migration_policy import offences
from tests.services.processes import PROJECT
from tests.services.releases import git, released, tag_before

OURS = {
    app.label
    for app in apps.get_app_configs()
    if app.name.partition(".")[0] in {"core", "bots", "events", "auth_sessions", "feishu_portal"}
}
NUMBER = IntegerField(default=0)


@pytest.fixture
def before() -> ProjectState:
    state = ProjectState()
    fields = [("name", CharField(max_length=20)), ("number", IntegerField(null=True))]
    migrations.CreateModel("Bot", fields).state_forwards("bots", state)
    return state


def migration(*operations: migrations.operations.base.Operation, **values: object) -> migrations.Migration:
    made = migrations.Migration("0002_next", "bots")
    made.operations = list(operations)
    for name, value in values.items():
        setattr(made, name, value)
    return made


INDEX = Index(fields=["name"], name="bot_name")
ALLOWED = {
    "new table with its index": migration(
        migrations.CreateModel("Plan", [("number", NUMBER)]),
        migrations.AddIndex("Plan", Index(fields=["number"], name="n")),
    ),
    "column that may be empty": migration(
        migrations.AddField("Bot", "note", CharField(max_length=9, null=True))
    ),
    "column with a default of the database": migration(
        migrations.AddField("Bot", "kind", IntegerField(default=0, db_default=0))
    ),
    "longer text": migration(
        migrations.AlterField("Bot", "name", CharField("Name", max_length=40, blank=True))
    ),
    "column that may be empty from now on": migration(
        migrations.AlterField("Bot", "name", CharField(max_length=20, null=True))
    ),
    "index that locks nobody out": migration(AddIndexConcurrently("Bot", INDEX), atomic=False),
    "column that the last release did not use": migration(
        migrations.RemoveField("Bot", "number"), unused_since="0.1.0"
    ),
    "reasoned code": migration(
        migrations.RunPython(migrations.RunPython.noop), compatible_because="it touches nothing"
    ),
    "words": migration(migrations.AlterModelOptions("Bot", {"verbose_name": "robot"})),
}
REFUSED = {
    "old code leaves it out": migration(migrations.AddField("Bot", "kind", NUMBER)),
    "contracts": migration(migrations.RemoveField("Bot", "number")),
    "contracts: only with unused_since of a released version, not 0.2.0": migration(
        migrations.DeleteModel("Bot"), unused_since="0.2.0"
    ),
    "contracts: ": migration(migrations.RenameField("Bot", "number", "count")),
    "contracts: only": migration(migrations.AlterField("Bot", "name", CharField(max_length=10))),
    "contracts: only with": migration(migrations.AlterField("Bot", "number", IntegerField())),
    "contracts: only with unused_since": migration(
        migrations.AlterField("Bot", "number", CharField(max_length=9, null=True))
    ),
    "contracts: only with unused_since of": migration(
        migrations.AddConstraint("Bot", CheckConstraint(name="c", condition=Q(number=1)))
    ),
    "AddIndexConcurrently": migration(migrations.AddIndex("Bot", INDEX)),
    "migration of its own": migration(AddIndexConcurrently("Bot", INDEX)),
    "compatible_because": migration(migrations.RunSQL("SELECT 1")),
}


@pytest.mark.parametrize("allowed", ALLOWED.values(), ids=ALLOWED)
def test_what_old_code_does_not_notice_is_allowed(before, allowed):
    assert offences(allowed, before, released=["0.1.0"]) == []


@pytest.mark.parametrize(("why", "refused"), REFUSED.items(), ids=REFUSED)
def test_what_old_code_would_stumble_over_is_refused(before, why, refused):
    [found] = offences(refused, before, released=["0.1.0"])
    assert why in found


def test_no_migration_of_ours_breaks_the_release_before():
    loader = MigrationLoader(None)
    found = []
    for key, one in loader.graph.nodes.items():
        # The first of an app meets nothing.
        if key[0] in OURS and not one.initial:
            found += offences(one, loader.project_state(key, at_end=False), released=released())
    assert found == []


def test_no_migration_of_a_release_is_changed():
    tag = tag_before()
    if tag is None:
        pytest.skip("nothing is released yet")
    names = git("ls-tree", "-r", "--name-only", tag).decode().splitlines()
    shipped = [name for name in names if re.search(r"/migrations/\d+_", name)]
    assert shipped
    now = {name: (PROJECT / name).read_bytes() for name in shipped if (PROJECT / name).exists()}
    assert [name for name in shipped if now.get(name) != git("show", f"{tag}:{name}")] == []
