"""Listening in, on the call page: who listens, and whether the user may."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings
from django.template import Context
from django.utils import timezone

from calls.listening import LISTEN, listeners
from calls.models import Call
from supervisor.listen.packets import is_audible

register = template.Library()


@register.inclusion_tag("supervisor/call/_listen.html", takes_context=True)
def listen_in(context: Context, call: Call) -> dict[str, Any]:
    """Show how to listen to a live call that has sound. Nothing for other calls."""
    request = context["request"]
    if not call.is_live or not is_audible(call):
        return {"call": None}
    may_listen = request.user.has_perm(LISTEN)
    return {
        "call": call,
        "request": request,
        "may_listen": may_listen and settings.LISTEN_IN,
        "listeners": listeners(call, now=timezone.now()),
        "action_label": settings.ACTION_LINK_LABEL if may_listen and settings.ACTION_LINK else "",
        "opens_page": settings.ACTION_LINK.startswith("http"),
    }
