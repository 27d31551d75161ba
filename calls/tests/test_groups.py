"""The groups of a fresh database and of an upgraded one."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.db import connection

pytestmark = pytest.mark.django_db
migration = import_module("calls.migrations.0041_groups")


class Editor:
    connection = connection


def codenames(group):
    return set(Group.objects.get(name=group).permissions.values_list("codename", flat=True))


@pytest.fixture
def fresh():
    Group.objects.all().delete()
    Permission.objects.filter(content_type__app_label="calls").delete()
    migration.create(apps, Editor)


@pytest.mark.parametrize("name", migration.GROUPS)
def test_a_fresh_database_has_each_group_with_all_its_permissions(fresh, name):
    assert codenames(name) == set(migration.GROUPS[name])


def test_only_some_groups_see_the_calls_of_all_teams(fresh):
    seeing = Group.objects.filter(permissions__codename="view_all_calls")

    assert set(seeing.values_list("name", flat=True)) == {"Quality", "Operator", "Auditor"}


def test_a_group_of_the_same_name_keeps_its_permissions():
    Group.objects.all().delete()
    Group.objects.create(name="Operator")

    migration.create(apps, Editor)

    assert codenames("Operator") == set()
    assert codenames("Auditor")


def test_people_and_groups_that_could_see_calls_see_all_of_them():
    view = Permission.objects.get(codename="view_call")
    ann, bob = User.objects.create(username="ann"), User.objects.create(username="bob")
    ann.user_permissions.add(view)
    floor = Group.objects.create(name="Floor")
    floor.permissions.add(view)

    migration.grant(apps, Editor)

    assert ann.has_perm("calls.view_all_calls")
    assert codenames("Floor") >= {"view_call", "view_all_calls"}
    assert not bob.has_perm("calls.view_all_calls")


@pytest.mark.slow
@pytest.mark.parametrize("start", [None, "0040"], ids=["fresh", "upgraded"])
def test_the_migration_works_on_a_database_of_its_own(tmp_path, start):
    if start:
        manage(tmp_path, "migrate", "calls", start)
    manage(tmp_path, "migrate", "calls", "0041")

    assert manage(tmp_path, "shell", "-c", LISTED).split()[-1] == "Agent:2,Auditor:8,Supervisor:3"


LISTED = """
from django.contrib.auth.models import Group
found = Group.objects.filter(name__in=["Agent", "Auditor", "Supervisor"]).order_by("name")
print(",".join(f"{group.name}:{group.permissions.count()}" for group in found))
"""


def manage(folder, *words):
    command = [sys.executable, "manage.py", *words]
    env = {**os.environ, "DATABASE_URL": f"sqlite:///{folder}/site.sqlite3", "DEBUG": "true"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return done.stdout
