"""Saved views, on the pages that have them."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context

from supervisor.saved.read_model import read_offer

register = template.Library()


@register.simple_tag(takes_context=True)
def saved_views(context: Context, page: str) -> Any:
    """The views that this page offers to its reader."""
    request = context["request"]
    return read_offer(page, user_id=request.user.pk, asked=request.GET)
