"""Lets the groups Supervisor and Operator keep calls from deletion."""

from django.db import migrations

from calls.groups import grant_new_permissions

WANTED = {
    "Supervisor": ("hold_call",),
    "Operator": ("hold_call", "view_legalhold"),
}


def grant(apps, schema_editor):
    for name, codenames in WANTED.items():
        grant_new_permissions(apps, schema_editor.connection.alias, name, codenames)


class Migration(migrations.Migration):

    dependencies = [
        ("calls", "0054_limited_to_teams"),
    ]

    operations = [
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
