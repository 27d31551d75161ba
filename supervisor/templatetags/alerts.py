"""The number of open alerts for the navigation of every page, and how old an alert is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.template import Context
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from supervisor.dates import whole
from supervisor.figures import COUNTED, Figures, read_open

register = template.Library()


@register.inclusion_tag("supervisor/_open_alerts.html", takes_context=True)
def open_alerts(context: Context) -> dict[str, Any]:
    figures = context.get("figures")
    if isinstance(figures, Figures):  # the wallboard has already counted them
        count, level = figures.open_alerts, figures.worst_alert
    else:
        found = read_open()
        count, level = found.count, found.level
    return {"count": count, "level": level, "most": COUNTED}


@register.filter
def ago(at: datetime) -> SafeString:
    """How long ago something was, with the time in the title. A script keeps it running."""
    local = timezone.localtime(at)
    return format_html(
        '<time datetime="{}" data-ago title="{}">{}</time>',
        at.isoformat(timespec="milliseconds"),
        f"{whole(local)} {local:%Z}",
        _age((timezone.now() - at).total_seconds()),
    )


def _age(seconds: float) -> str:
    """A duration in its largest unit. ``alert_age.js`` does the same."""
    rounded = max(0, int(seconds))
    for unit_s, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if rounded >= unit_s:
            return f"{rounded // unit_s} {unit}"
    return f"{rounded} s"


@register.filter
def cat(text: str, more: object) -> str:
    """Two values as one text. ``add`` cannot add a number to a text."""
    return f"{text}{more}"
