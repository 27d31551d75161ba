"""The scope ``operate`` of API keys is called ``supervise`` from here on."""

from typing import Any

from django.db import migrations

OLD, NEW = "operate", "supervise"


def rename(apps: Any, old: str, new: str) -> None:
    keys = apps.get_model("calls", "ApiKey").objects
    for key in keys.all():
        if old in key.scopes:
            key.scopes = sorted({new if scope == old else scope for scope in key.scopes})
            key.save(update_fields=["scopes"])


def forwards(apps: Any, schema_editor: Any) -> None:
    rename(apps, OLD, NEW)


def backwards(apps: Any, schema_editor: Any) -> None:
    rename(apps, NEW, OLD)


class Migration(migrations.Migration):

    dependencies = [("calls", "0039_alert_conditions")]

    operations = [migrations.RunPython(forwards, backwards)]
