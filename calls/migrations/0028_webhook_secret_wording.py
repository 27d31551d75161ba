from django.db import migrations, models

import calls.models.webhook


class Migration(migrations.Migration):
    dependencies = [("calls", "0026_ingest_report")]

    operations = [
        migrations.AlterField(
            model_name="webhookendpoint",
            name="secret",
            field=models.CharField(
                default=calls.models.webhook.new_secret,
                help_text="The receiver checks signatures with it. Keep it secret: it is enough to "
                "forge messages.",
                max_length=200,
            ),
        ),
    ]
