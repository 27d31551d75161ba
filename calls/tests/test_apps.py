"""What a fresh database comes with."""

from importlib import import_module

import pytest
from django.apps import apps
from django_q.models import Schedule

pytestmark = pytest.mark.django_db


def test_the_sweep_is_scheduled_once_a_minute():
    # Tests that flush the database take the row with them, so ask the migration.
    Schedule.objects.all().delete()
    migration = import_module("calls.migrations.0002_sweep_and_event_log")

    migration.create(apps, None)

    sweep = Schedule.objects.get(name="sweep")
    assert (sweep.func, sweep.schedule_type, sweep.minutes) == ("calls.tasks.sweep", "I", 1)
