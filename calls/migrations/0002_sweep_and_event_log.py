"""The sweep's schedule, and the name of this database's event log."""

from django.db import migrations


def create(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.get_or_create(
        name="sweep",
        defaults={"func": "calls.tasks.sweep", "schedule_type": "I", "minutes": 1, "repeats": -1},
    )
    apps.get_model("calls", "EventLog").objects.get_or_create(pk=1)


def remove(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.filter(name="sweep").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0001_initial"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]
    operations = [migrations.RunPython(create, remove)]
