import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0033_alert_life'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Preferences',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='preferences', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('time_zone', models.CharField(blank=True, default='', max_length=64)),
                ('dates', models.CharField(choices=[('en-GB', '28 Nov 2026, 21:02'), ('en-US', 'Nov 28, 2026, 9:02 PM'), ('de-DE', '28.11.2026, 21:02'), ('fr-FR', '28/11/2026, 21:02'), ('sv-SE', '2026-11-28, 21:02')], default='en-GB', max_length=8)),
                ('alert_sound', models.BooleanField(default=False)),
                ('alert_volume', models.PositiveSmallIntegerField(default=50, validators=[django.core.validators.MaxValueValidator(100)])),
                ('shortcuts', models.BooleanField(default=True)),
                ('columns', models.JSONField(blank=True, default=list)),
                ('queues', models.JSONField(blank=True, default=list)),
            ],
            options={
                'verbose_name_plural': 'preferences',
            },
        ),
        migrations.CreateModel(
            name='SavedView',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('page', models.CharField(choices=[('board', 'Wallboard'), ('alerts', 'Alerts'), ('search', 'Search'), ('agents', 'Agents'), ('queues', 'Queues')], max_length=16)),
                ('name', models.CharField(max_length=60)),
                ('query', models.CharField(blank=True, default='', max_length=2000)),
                ('shared', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='saved_views', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['name', 'id'],
                'constraints': [models.UniqueConstraint(fields=('owner', 'page', 'name'), name='one_view_per_name')],
            },
        ),
    ]
