"""How values look on the wall screen."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from supervisor.templatetags.look import grouped, span
from supervisor.wall.levels import RED, WORDS

register = template.Library()
SAID = 52  # characters


@register.filter
def since(begin: datetime, now: datetime) -> str:
    """The time since ``begin``, as 0:07, 12:30 or 1:02:03. A script counts on."""
    return span((now - begin).total_seconds())


@register.filter
def figure_length(number: int) -> int:
    """The length of a number as it is written, by which its size is chosen."""
    return len(grouped(number))


@register.filter
def last_said(text: str) -> str:
    """The end of what was said, which is the newest, as whole words that fit into a row."""
    return text if len(text) <= SAID else "…" + text[-SAID:].partition(" ")[2]


@register.filter
def queue_name(queue: str) -> str:
    return queue or "No queue"


@register.filter
def level_badge(level: str) -> SafeString:
    """The level of a tile as shape and word; its colour comes from the style sheet."""
    if not level:
        return mark_safe("")
    return format_html(
        '<span class="level level--{}">{}{}</span>', level, _shape(level), WORDS[level]
    )


@register.filter
def level_mark(level: str) -> SafeString:
    """The level of a figure as a shape, with its word for screen readers."""
    if not level:
        return mark_safe("")
    return format_html('<span class="sr">{}</span>{}', WORDS[level], _shape(level))


def _shape(level: str) -> SafeString:
    name = "critical" if level == RED else "warning"
    return format_html('<svg class="icon" aria-hidden="true"><use href="#i-{}"/></svg>', name)
