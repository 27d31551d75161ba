"""Migrations leave a busy site usable, and bring every older database to the newest state."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import psycopg
import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ModelState, ProjectState

from benchmarks.rig.databases import ROOT, empty_database
from calls.operation.online import AddIndexOnline, RemoveIndexOnline
from calls.tests.operation.sql_rules import BIG, SMALL, find_problems

# Before this rule there were no sites with millions of rows.
LAST_EXEMPT = "0039"
# Migrations that break a rule, and why they may.
ALLOWED: dict[str, str] = {}

postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="needs PostgreSQL")


def statements_of(loader, name):
    """Return the SQL of a migration of calls, without running it."""
    migration = loader.get_migration("calls", name)
    state = loader.project_state(("calls", name), at_end=False)
    with connection.schema_editor(collect_sql=True, atomic=migration.atomic) as editor:
        migration.apply(state, editor, collect_sql=True)
    return editor.collected_sql


@postgresql
@pytest.mark.django_db
def test_no_migration_stops_a_busy_site_or_the_processes_of_the_last_release():
    loader = MigrationLoader(connection, replace_migrations=False)
    names = sorted(name for app, name in loader.graph.nodes if app == "calls")

    problems = {
        name: found
        for name in names
        if name[:4] > LAST_EXEMPT and name not in ALLOWED
        if (found := list(find_problems(statements_of(loader, name))))
    }

    assert problems == {}


def test_every_table_is_known_to_be_large_or_small():
    tables = {
        model._meta.db_table
        for model in apps.get_app_config("calls").get_models(include_auto_created=True)
    }

    assert tables == BIG | SMALL
    assert not BIG & SMALL


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ('ALTER TABLE "calls_call" ADD COLUMN "x" integer NULL', None),
        ('ALTER TABLE "calls_call" ADD COLUMN "x" integer DEFAULT 0 NOT NULL', None),
        ('ALTER TABLE "calls_call" ADD COLUMN "x" integer NOT NULL', "must be null or have a"),
        ('ALTER TABLE "calls_call" ALTER COLUMN "x" DROP DEFAULT', "use db_default"),
        ('ALTER TABLE "calls_call" ALTER COLUMN "x" TYPE text', "rewrites the table"),
        ('ALTER TABLE "calls_call" ALTER COLUMN "x" SET NOT NULL', "scans the table"),
        ('ALTER TABLE "calls_call" ADD CONSTRAINT "x" CHECK (true)', "NOT VALID"),
        ('ALTER TABLE "calls_call" ADD CONSTRAINT "x" CHECK (true) NOT VALID', None),
        ('ALTER TABLE "calls_call" DROP COLUMN "x" CASCADE', "last release"),
        ('ALTER TABLE "calls_call" RENAME COLUMN "x" TO "y"', "last release"),
        ('CREATE INDEX "x" ON "calls_packet" ("y")', "AddIndexOnline"),
        ('CREATE UNIQUE INDEX "x" ON "calls_packet" ("y")', "AddIndexOnline"),
        ('CREATE INDEX CONCURRENTLY "x" ON "calls_packet" ("y")', None),
        ('CREATE INDEX "x" ON "calls_apikey" ("y")', None),
    ],
)
def test_a_statement_is_checked_by_what_it_locks(statement, problem):
    found = list(find_problems([statement]))

    assert (problem in found[0]) if problem else (found == [])


def test_a_table_created_by_the_same_migration_may_be_locked():
    made = 'CREATE TABLE "calls_packet" ("id" bigint)'

    assert list(find_problems([made, 'CREATE INDEX "x" ON "calls_packet" ("y")'])) == []


@pytest.fixture
def thing(transactional_db):
    """A table, and the state of a project that knows only this table."""
    state = ProjectState()
    state.add_model(ModelState("calls", "Thing", [("id", models.AutoField(primary_key=True))]))
    model = state.apps.get_model("calls", "Thing")
    with connection.schema_editor() as editor:
        editor.create_model(model)
    yield state
    with connection.schema_editor() as editor:
        editor.delete_model(model)


def run(operation, before, *, backwards=False):
    after = before.clone()
    operation.state_forwards("calls", after)
    with connection.schema_editor(atomic=operation.atomic) as editor:
        if backwards:
            operation.database_backwards("calls", editor, after, before)
        else:
            operation.database_forwards("calls", editor, before, after)
    return after


def indexes():
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, "calls_thing")
    return {name for name, each in constraints.items() if each["index"]}


def test_an_index_is_added_and_removed_online_on_both_databases(thing):
    adding = AddIndexOnline("thing", models.Index(fields=["id"], name="things_by_id"))

    after = run(adding, thing)
    added = indexes()
    run(RemoveIndexOnline("thing", "things_by_id"), after)
    removed = indexes()
    run(adding, thing)
    run(adding, thing, backwards=True)

    assert "things_by_id" in added
    assert "things_by_id" not in removed
    assert "things_by_id" not in indexes()


def test_an_index_left_by_an_interrupted_migration_is_created_again(thing):
    adding = AddIndexOnline("thing", models.Index(fields=["id"], name="things_by_id"))
    run(adding, thing)

    run(adding, thing)

    assert "things_by_id" in indexes()


def test_an_index_already_removed_by_an_interrupted_migration_is_no_error(thing):
    after = run(AddIndexOnline("thing", models.Index(fields=["id"], name="things_by_id")), thing)
    run(RemoveIndexOnline("thing", "things_by_id"), after)

    run(RemoveIndexOnline("thing", "things_by_id"), after)

    assert "things_by_id" not in indexes()


@postgresql
@pytest.mark.django_db(transaction=True)
def test_migrate_lets_others_through_while_a_table_is_locked(capsys):
    settings = connection.get_connection_params()
    where = {key: settings[key] for key in ("dbname", "user", "password", "host", "port")
             if settings.get(key)}  # fmt: skip
    with psycopg.connect(**where) as other:
        other.execute("LOCK TABLE django_migrations IN ACCESS EXCLUSIVE MODE")

        with pytest.raises(CommandError, match="A table was locked in each of 2 tries"):
            call_command("migrate", lock_timeout=0.05, lock_tries=2, verbosity=0)

        release = threading.Timer(0.3, other.rollback)
        release.start()
        call_command("migrate", lock_timeout=0.05, lock_tries=10, verbosity=0)
        release.join()

    assert "A table is locked. Trying again in 0.5 s." in capsys.readouterr().err
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)


# The first release, and those after which tables were changed most.
RELEASES = ["0001_initial", "0014_search", "0030_live_calls"]


@pytest.mark.slow
@pytest.mark.parametrize("release", RELEASES)
def test_a_database_of_an_older_release_is_upgraded_with_its_data(tmp_path, release):
    with empty_database(tmp_path) as database:
        site = OldSite(database.url)
        before = site.ask(release)
        site.execute("manage.py", "migrate", "--verbosity", "0")
        after = site.ask("--now")

    assert find_losses(before, after) == []
    assert before["calls_call"]


STARTER_RULES = "calls_alertrule"  # later releases have better ones


def find_losses(before, after):
    """Return what is missing or has changed, by table, key and column."""
    return [
        f"{table} {pk} {column}: {value!r} became {after[table][pk].get(column)!r}"
        for table, rows in before.items()
        if table != STARTER_RULES
        for pk, row in rows.items()
        for column, value in row.items()
        if column in next(iter(after[table].values()), row) and after[table][pk][column] != value
    ]


class OldSite:
    """Runs Python on a database."""

    def __init__(self, url):
        self.environment = {**os.environ, "DATABASE_URL": url}

    def execute(self, *arguments):
        done = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=self.environment, check=False,
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ask(self, *arguments):
        return json.loads(self.execute("-m", "calls.tests.operation.old_site", *arguments))
