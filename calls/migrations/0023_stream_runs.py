from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0022_media_connections"),
    ]

    operations = [
        migrations.AddField(
            model_name="stream",
            name="run",
            field=models.PositiveSmallIntegerField(db_default=1, default=1),
        ),
        migrations.AddField(
            model_name="stream",
            name="track",
            field=models.CharField(blank=True, db_default="*", default="*", max_length=64),
        ),
        migrations.AddField(
            model_name="stream",
            name="earliest",
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name="stream",
            name="latest",
            field=models.FloatField(null=True),
        ),
        migrations.RemoveConstraint(
            model_name="stream",
            name="one_stream_per_name",
        ),
        migrations.AddConstraint(
            model_name="stream",
            constraint=models.UniqueConstraint(
                fields=("call", "name", "run"), name="one_stream_per_run"
            ),
        ),
    ]
