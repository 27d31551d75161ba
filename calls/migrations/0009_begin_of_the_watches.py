"""Alerts look at everything from this migration on, however late the first worker starts."""

from django.db import migrations

SOURCES = {"packets": "Packet", "events": "CallEvent"}


def begin(apps, schema_editor):
    watches = apps.get_model("calls", "Watch").objects
    for name, model in SOURCES.items():
        newest = apps.get_model("calls", model).objects.order_by("-pk").values_list("pk", flat=True)
        watches.get_or_create(name=name, defaults={"position": newest.first() or 0})


class Migration(migrations.Migration):
    dependencies = [("calls", "0008_minute_samples")]
    operations = [migrations.RunPython(begin, migrations.RunPython.noop)]
