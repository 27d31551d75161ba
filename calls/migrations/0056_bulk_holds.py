"""Bulk actions that set and release legal holds."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("calls", "0055_hold_permission"),
    ]

    operations = [
        migrations.AddField(
            model_name="bulkaction",
            name="reason",
            field=models.CharField(blank=True, db_default="", default="", max_length=300),
        ),
        migrations.AlterField(
            model_name="bulkaction",
            name="kind",
            field=models.CharField(
                choices=[
                    ("end", "End"),
                    ("retry", "Retry"),
                    ("dismiss", "Dismiss"),
                    ("reanalyse", "Reanalyse"),
                    ("tag", "Tag"),
                    ("untag", "Untag"),
                    ("hold", "Legal hold on"),
                    ("release", "Release the legal hold on"),
                    ("acknowledge", "Acknowledge alerts of"),
                    ("delete", "Delete"),
                ],
                max_length=16,
            ),
        ),
    ]
