"""Begins the watches for alerts where the log ends now.

A watch used to begin when a worker first ran, and calls of a new site from before raised no alert.
"""

from django.db import migrations
from django.db.models import Max


def begin(apps, schema_editor):
    Watch = apps.get_model("calls", "Watch")
    for name, model in (("packets", "Packet"), ("events", "CallEvent")):
        newest = apps.get_model("calls", model).objects.aggregate(newest=Max("pk"))["newest"]
        Watch.objects.get_or_create(name=name, defaults={"position": newest or 0})


class Migration(migrations.Migration):
    dependencies = [("calls", "0057_targets_of_teams")]

    operations = [migrations.RunPython(begin, migrations.RunPython.noop)]
