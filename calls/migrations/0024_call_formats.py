from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0023_stream_runs'),
    ]

    operations = [
        migrations.AddField(
            model_name='call',
            name='remarks',
            field=models.JSONField(blank=True, default=list, editable=False),
        ),
        migrations.AddField(
            model_name='call',
            name='media_override',
            field=models.CharField(blank=True, default='', editable=False, max_length=100),
        ),
        migrations.AddField(
            model_name='call',
            name='duration',
            field=models.DurationField(editable=False, null=True),
        ),
    ]
