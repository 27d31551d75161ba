"""An index on the time at which calls were opened, built while calls are being received."""

from django.db import migrations, models

INDEX = models.Index(fields=["-opened_at", "-id"], name="call_by_opening")


def add_index(apps, schema_editor):
    model = apps.get_model("calls", "Call")
    # A migration that was killed leaves an index, which PostgreSQL may never have finished.
    if schema_editor.connection.vendor != "postgresql":
        schema_editor.execute(f"DROP INDEX IF EXISTS {INDEX.name}")
        schema_editor.add_index(model, INDEX)
        return
    schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX.name}")
    schema_editor.add_index(model, INDEX, concurrently=True)


def remove_index(apps, schema_editor):
    schema_editor.remove_index(apps.get_model("calls", "Call"), INDEX)


class Migration(migrations.Migration):
    # PostgreSQL builds an index in the background only outside a transaction.
    atomic = False

    dependencies = [("calls", "0036_comments")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.AddIndex(model_name="call", index=INDEX)],
            database_operations=[migrations.RunPython(add_index, remove_index)],
        )
    ]
