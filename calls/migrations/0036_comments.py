"""A note may be about a moment of its call. The customer's other calls are found by an index."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0035_wall_screens'),
    ]

    operations = [
        migrations.AddField(
            model_name='note',
            name='at_ms',
            field=models.PositiveIntegerField(editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name='call',
            index=models.Index(condition=models.Q(('caller', ''), _negated=True), fields=['caller', '-id'], name='call_by_caller'),
        ),
        migrations.AddIndex(
            model_name='call',
            index=models.Index(condition=models.Q(('callee', ''), _negated=True), fields=['callee', '-id'], name='call_by_callee'),
        ),
    ]
