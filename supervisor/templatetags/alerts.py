"""The number of open alerts, for the navigation of every page."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context

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
