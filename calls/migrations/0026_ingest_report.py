from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("calls", "0024_call_formats"),
    ]

    operations = [
        migrations.CreateModel(
            name="IngestReport",
            fields=[
                ("process", models.CharField(max_length=300, primary_key=True, serialize=False)),
                ("seen_at", models.DateTimeField()),
                ("shedding_since", models.DateTimeField(null=True)),
                ("oldest_age_s", models.FloatField()),
                ("refused", models.JSONField(default=dict)),
            ],
        ),
    ]
