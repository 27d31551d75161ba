"""What a fresh database comes with."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import DEFAULT_DB_ALIAS
from django_q.models import Schedule

from calls.apps import create_supervisors

pytestmark = pytest.mark.django_db


@pytest.fixture
def supervisors():
    Group.objects.all().delete()
    create_supervisors(apps.get_app_config("calls"), DEFAULT_DB_ALIAS)
    return Group.objects.get(name="Supervisors")


def test_supervisors_may_look_and_act(supervisors):
    codenames = set(supervisors.permissions.values_list("codename", flat=True))

    assert codenames == {"view_call", "operate_call"}


def test_what_the_site_made_of_the_group_stays(supervisors):
    supervisors.permissions.clear()

    create_supervisors(apps.get_app_config("calls"), DEFAULT_DB_ALIAS)

    assert not supervisors.permissions.exists()


def test_the_sweep_is_scheduled_once_a_minute():
    # Tests that flush the database take the row with them, so ask the migration.
    Schedule.objects.all().delete()
    migration = import_module("calls.migrations.0002_sweep_and_event_log")

    migration.create(apps, None)

    sweep = Schedule.objects.get(name="sweep")
    assert (sweep.func, sweep.schedule_type, sweep.minutes) == ("calls.tasks.sweep", "I", 1)
