"""Agents and teams. The agents of stored calls are known from the start."""

import unicodedata

import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


def key_of(text):
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())[:200]


def names_of_calls(calls):
    """Yield each name once, by steps along the index: DISTINCT would read all calls."""
    name = ""
    while name := calls.filter(agent__gt=name).order_by("agent").values_list("agent", flat=True).first():
        yield name


def know_agents(apps, schema_editor):
    using = schema_editor.connection.alias
    agents = apps.get_model("calls", "Agent").objects.using(using)
    names = apps.get_model("calls", "AgentName").objects.using(using)
    for spelling in names_of_calls(apps.get_model("calls", "Call").objects.using(using)):
        if key := key_of(spelling):
            name = " ".join(spelling.split())
            agent, _ = agents.get_or_create(key=key, defaults={"name": name})
            for known in {spelling, agent.name}:
                names.get_or_create(spelling=known, defaults={"key": key, "agent": agent})


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0046_api_key_limits'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Agent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200)),
                ('key', models.CharField(editable=False, max_length=200, unique=True)),
                ('seen_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='first seen at')),
                ('user', models.OneToOneField(blank=True, help_text="The account of this agent, which sees the agent's own calls.", null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='agent', to=settings.AUTH_USER_MODEL, verbose_name='account')),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='AgentName',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('spelling', models.CharField(max_length=200, unique=True)),
                ('key', models.CharField(db_index=True, editable=False, max_length=200)),
                ('agent', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='names', to='calls.agent')),
            ],
            options={
                'verbose_name': 'name of an agent',
                'verbose_name_plural': 'names of agents',
                'ordering': ['spelling'],
            },
        ),
        migrations.CreateModel(
            name='Team',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('members', models.ManyToManyField(blank=True, help_text='The accounts that see the calls of this team.', related_name='call_teams', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.AddField(
            model_name='agent',
            name='teams',
            field=models.ManyToManyField(blank=True, related_name='agents', to='calls.team'),
        ),
        migrations.CreateModel(
            name='TeamQueue',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('queue', models.CharField(help_text='Exactly as calls name it.', max_length=200)),
                ('team', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='queues', to='calls.team')),
            ],
            options={
                'verbose_name': 'queue',
                'ordering': ['queue'],
            },
        ),
        migrations.AddConstraint(
            model_name='team',
            constraint=models.UniqueConstraint(django.db.models.functions.text.Lower('name'), name='team_by_name', violation_error_message='There is a team of this name.'),
        ),
        migrations.AddConstraint(
            model_name='teamqueue',
            constraint=models.UniqueConstraint(fields=('team', 'queue'), name='queue_of_team_once'),
        ),
        migrations.RunPython(know_agents, migrations.RunPython.noop),
    ]
