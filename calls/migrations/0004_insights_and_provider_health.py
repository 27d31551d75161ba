"""Questions that are data, with three to begin with, and what is known of each provider."""

import django.utils.timezone
from django.db import migrations, models

STAGES = [("transcribe", "Transcribe"), ("understand", "Understand")]
STARTERS = {
    "reason": "Why did the customer call? Answer in one sentence.",
    "resolved": "Was the customer's matter resolved in this call? Answer yes, partly or no, "
    "and say why in one sentence.",
    "next_step": "What has to happen next, who does it, and by when? Answer none if nothing.",
}


def create(apps, schema_editor):
    for name, question in STARTERS.items():
        apps.get_model("calls", "Insight").objects.get_or_create(
            name=name, defaults={"question": question}
        )


class Migration(migrations.Migration):
    dependencies = [("calls", "0003_frame_counters")]
    operations = [
        migrations.CreateModel(
            name="Insight",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.SlugField(unique=True)),
                ("question", models.TextField(max_length=1000)),
                ("enabled", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
        ),
        migrations.CreateModel(
            name="ProviderHealth",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("provider", models.CharField(max_length=100)),
                ("stage", models.CharField(choices=STAGES, max_length=16)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("failed_at", models.DateTimeField(null=True)),
                ("down_since", models.DateTimeField(null=True)),
                ("wait_s", models.FloatField(default=0)),
                ("probe_at", models.DateTimeField(null=True)),
                ("probed_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name_plural": "provider health",
                "constraints": [
                    models.UniqueConstraint(fields=("provider", "stage"), name="one_health_per_stage")
                ],
            },
        ),
        migrations.RunPython(create, migrations.RunPython.noop),
    ]
