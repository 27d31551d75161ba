"""Notification targets that are told of the calls of some teams only."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("calls", "0056_bulk_holds"),
    ]

    operations = [
        migrations.AddField(
            model_name="notificationtarget",
            name="teams",
            field=models.JSONField(blank=True, default=None, null=True),
        ),
    ]
