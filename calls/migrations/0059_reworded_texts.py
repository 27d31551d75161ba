import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0058_watches_begin"),
    ]

    operations = [
        migrations.AlterField(
            model_name="alertrule",
            name="language",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Only calls in this language, such as en or de. Empty: the language of the site. In other languages, the words would be different.",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="alertrule",
            name="phrases",
            field=models.TextField(
                blank=True,
                default="",
                help_text="One word or phrase per line. Whole words; capitals, punctuation and line ends make no difference. “cancel*” also finds “cancelled”.",
            ),
        ),
        migrations.AlterField(
            model_name="alertrule",
            name="quiet_hours",
            field=models.TextField(
                blank=True,
                default="",
                help_text="One period per line, in the time zone of the site: “Mon-Fri 18:00-08:00” or “Sat-Sun”.",
            ),
        ),
        migrations.AlterField(
            model_name="alertrule",
            name="repeat_after_s",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Empty: once for each call. Otherwise again, after at least this many seconds.",
                null=True,
                verbose_name="raise again after (seconds)",
            ),
        ),
        migrations.AlterField(
            model_name="alertrule",
            name="speaker",
            field=models.CharField(
                blank=True,
                choices=[("", "Anyone"), ("customer", "The customer"), ("agent", "The agent")],
                default="",
                help_text="Whose words or sentiment count.",
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="alertrule",
            name="within_s",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="From the start of the call. Empty: the whole call, decided when it is over.",
                null=True,
                verbose_name="within the first (seconds)",
            ),
        ),
        migrations.AlterField(
            model_name="notificationtarget",
            name="per_minute",
            field=models.PositiveSmallIntegerField(
                default=10,
                help_text="From 1 to 60. Further alerts are combined into one message.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(60),
                ],
                verbose_name="messages a minute",
            ),
        ),
        migrations.AlterField(
            model_name="signonidentity",
            name="subject",
            field=models.CharField(
                help_text="This person's id there, which never changes.", max_length=300
            ),
        ),
    ]
