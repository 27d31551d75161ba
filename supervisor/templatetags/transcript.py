"""The turns of a transcript as HTML.

Python writes them, because a template would take twenty times as long for each turn: on the page
of a long call, that was more time than everything else together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

from calls.conversation import SPEAKERS
from supervisor.templatetags.look import highlighted, span_ms

register = template.Library()
_NAMES = {speaker: speaker.title() for speaker in SPEAKERS}
_PLAY = '<svg class="icon" aria-hidden="true"><use href="#i-play"/></svg>'


@register.simple_tag
def turn_items(turns: Iterable[Mapping[str, Any]], recording_url: str = "") -> SafeString:
    """The turns as items of a list. With the address of a recording, they can be played."""
    address = conditional_escape(recording_url)
    items = "".join([_item(turn, address) for turn in turns])
    return mark_safe(items)  # noqa: S308 (all texts in it were escaped, the rest are numbers)


def _item(turn: Mapping[str, Any], recording_url: str) -> str:
    speaker, begin_ms = turn["speaker"], int(turn["begin_ms"])
    flagged = " turn--flagged" if turn.get("flags") else ""
    here, sought = (' id="here"', " turn--sought") if turn.get("is_sought") else ("", "")
    return (
        f'<li{here} class="turn turn--{speaker}{sought}{flagged}" data-begin="{begin_ms}"'
        f' data-end="{int(turn["end_ms"])}"{_score(turn)}{_timing(turn, recording_url)}>'
        f'<div class="turn__head"><span class="turn__who">{_NAMES[speaker]}</span>'
        f"{_time(begin_ms, recording_url)}{_flags(turn)}{_sentiment(turn.get('sentiment'))}</div>"
        f'<p class="turn__text" dir="auto">{highlighted(turn["said"])}</p></li>\n'
    )


def _score(turn: Mapping[str, Any]) -> str:
    score = turn.get("score")
    return "" if score is None else f' data-score="{float(score)}"'


def _timing(turn: Mapping[str, Any], recording_url: str) -> str:
    timing = turn["timing"]
    return f' data-timing="{timing}"' if recording_url and timing else ""


def _time(begin_ms: int, recording_url: str) -> str:
    time = span_ms(begin_ms)
    if recording_url:
        return (
            f'<a class="turn__time" data-seek="{begin_ms}" href="{recording_url}#t={time}"'
            f' aria-label="Play from {time}">{_PLAY}{time}</a>'
        )
    return (
        f'<a class="turn__time" href="#t={begin_ms / 1000}" aria-label="Link to {time}">{time}</a>'
    )


def _flags(turn: Mapping[str, Any]) -> str:
    if not (turn.get("flags") or turn.get("comments")):
        return ""
    return render_to_string("supervisor/call/_flags.html", {"turn": turn}).strip()


@lru_cache(maxsize=8)
def _sentiment(sentiment: str | None) -> str:
    if not sentiment:
        return ""
    pill = render_to_string("supervisor/_sentiment.html", {"sentiment": sentiment})
    return f'<span class="turn__sentiment">{pill.strip()}</span>'
