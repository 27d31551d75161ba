from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0059_reworded_texts"),
    ]

    operations = [
        migrations.AddField(
            model_name="stream",
            name="restarts",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
    ]
