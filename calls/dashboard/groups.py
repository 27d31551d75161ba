"""The models of the admin, grouped by task, under the names that its pages use.

Django groups them by app and sorts them by name. Names of models of other packages cannot be
changed in their ``Meta``, because Django would want a migration for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.db.models.options import Options
from django.utils.text import capfirst


@dataclass(frozen=True)
class Names:
    """``counted`` follows a number; ``many`` is the heading of the list."""

    one: str
    many: str
    counted: str


@dataclass(frozen=True)
class Group:
    """One task. ``models`` maps labels of models to names, in the order of the navigation."""

    slug: str
    name: str
    lead: str
    models: Mapping[str, Names]


def _names(*rows: tuple[str, ...]) -> dict[str, Names]:
    return {label: Names(one, many, *(counted or (many,))) for label, one, many, *counted in rows}


GROUPS = (
    Group(
        "set-up",
        "Set up",
        "What the site watches for, whom it notifies, and who may use it.",
        _names(
            ("calls.alertrule", "Alert rule", "Alert rules"),
            ("calls.notificationtarget", "Notification target", "Notification targets"),
            ("calls.webhookendpoint", "Webhook", "Webhooks"),
            ("calls.customfield", "Custom field", "Custom fields"),
            ("calls.displayscreen", "Display", "Displays"),
            ("calls.queuethreshold", "Threshold", "Thresholds of queues"),
            ("calls.apikey", "API key", "API keys"),
            ("calls.insight", "Insight", "Insights"),
            ("calls.agent", "Agent", "Agents"),
            ("calls.team", "Team", "Teams"),
            ("auth.user", "User", "Users"),
            ("auth.group", "Group", "Groups"),
            ("calls.signonidentity", "Sign-on account", "Sign-on accounts"),
        ),
    ),
    Group(
        "look",
        "Records",
        "Calls, and everything that is stored about them.",
        _names(
            ("calls.call", "Call", "Calls"),
            ("calls.alert", "Alert", "Alerts"),
            ("calls.attempt", "Attempt", "Attempts"),
            ("calls.transcript", "Transcript", "Transcripts"),
            ("calls.analysis", "Analysis", "Analyses"),
            ("calls.recording", "Recording", "Recordings"),
            ("calls.packet", "Packet", "Packets"),
            ("calls.callevent", "Event", "Events"),
            ("calls.listensession", "Listening session", "Listening sessions"),
            ("calls.bulkaction", "Bulk action", "Bulk actions"),
            ("calls.legalhold", "Legal hold", "Legal holds"),
            ("calls.erasure", "Erasure", "Erasures"),
            ("calls.auditentry", "Audit entry", "Audit log", "Audit entries"),
        ),
    ),
    Group(
        "health",
        "Health",
        "Whether everything runs, and what went wrong.",
        _names(
            ("calls.workerheartbeat", "Worker", "Workers"),
            ("calls.providerhealth", "Provider", "Providers"),
            ("calls.notificationdelivery", "Notification", "Notifications"),
            ("calls.webhookdelivery", "Webhook delivery", "Webhook deliveries"),
            ("django_q.failure", "Failed job", "Failed jobs"),
            ("django_q.ormq", "Queued job", "Queued jobs"),
            ("django_q.schedule", "Scheduled job", "Scheduled jobs"),
            ("django_q.success", "Finished job", "Finished jobs"),
            ("axes.accessattempt", "Failed login", "Lock-outs"),
            ("axes.accesslog", "Login", "Logins"),
        ),
    ),
)
_NAMES = {label: names for group in GROUPS for label, names in group.models.items()}
_GROUPS = {label: group for group in GROUPS for label in group.models}


def names_of(opts: Options[Any]) -> Names:
    """Return what the pages of the admin call a model."""
    one, many = capfirst(str(opts.verbose_name)), capfirst(str(opts.verbose_name_plural))
    return _NAMES.get(opts.label_lower, Names(one, many, many))


def group_of(model: type[Model]) -> Group | None:
    return _GROUPS.get(model._meta.label_lower)  # noqa: SLF001 (public despite its name)


def regroup(apps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Turn Django's list of apps into one of groups. What is in no group comes last."""
    rows = {
        row["model"]._meta.label_lower: {**row, "name": names_of(row["model"]._meta).many}  # noqa: SLF001
        for app in apps
        for row in app["models"]
    }
    for group in GROUPS:
        models = [rows.pop(label) for label in group.models if label in rows]
        if models:
            yield _as_app(group.slug, group.name, group.lead, models)
    if rows:
        yield _as_app("other", "Other", "", list(rows.values()))


def _as_app(slug: str, name: str, lead: str, models: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a group in the form in which the admin's templates expect an app."""
    return {"app_label": slug, "name": name, "lead": lead, "app_url": "", "models": models}
