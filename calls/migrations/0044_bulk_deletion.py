from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0043_process_figures'),
    ]

    operations = [
        migrations.AlterField(
            model_name='bulkaction',
            name='kind',
            field=models.CharField(choices=[('end', 'End'), ('retry', 'Retry'), ('dismiss', 'Dismiss'), ('reanalyse', 'Reanalyse'), ('tag', 'Tag'), ('untag', 'Untag'), ('acknowledge', 'Acknowledge alerts of'), ('delete', 'Delete')], max_length=16),
        ),
    ]
