"""The filter of the wallboard in words."""

from __future__ import annotations

from collections.abc import Iterator

from calls.models import Call
from supervisor.days import day_of, zone_of
from supervisor.phases import Phase
from supervisor.selection import ANY_ALERT, ANY_TROUBLE, Filter, is_name


def criteria(wanted: Filter) -> list[str]:
    """Return what the filter asks for, one condition a text. Empty if it asks for nothing."""
    return [*_of_choices(wanted), *_of_names(wanted), *_of_days(wanted)]


def _of_choices(wanted: Filter) -> Iterator[str]:
    if wanted.phase:
        yield f"state is {Phase(wanted.phase).label}"
    if wanted.alert:
        kind = "open" if wanted.alert == ANY_ALERT else f"open {wanted.alert}"
        yield f"has an {kind} alert"
    if wanted.trouble:
        kind = "" if wanted.trouble == ANY_TROUBLE else Call.SoundTrouble(wanted.trouble).label
        yield f"has trouble with the sound{kind and ': '}{kind.lower()}"
    if wanted.hold:
        yield "is on legal hold"
    if wanted.customer:
        yield f"customer sentiment is {Call.Sentiment(wanted.customer).label}"
    if wanted.bulk is not None:
        yield f"was part of bulk action {wanted.bulk}"


def _of_names(wanted: Filter) -> Iterator[str]:
    for name in ("queue", "agent"):
        if text := getattr(wanted, name):
            yield f"{name} {'is' if is_name(name, text) else 'contains'} {text}"
    if wanted.mine:
        yield "queue is one of mine"
    if wanted.tag:
        yield f"tag is {wanted.tag}"
    if wanted.query:
        yield f"id, agent, number or queue contains {wanted.query}"


def _of_days(wanted: Filter) -> Iterator[str]:
    zone = zone_of(wanted.zone)
    for word, text in (("from", wanted.day_from), ("to", wanted.day_to)):
        if day := day_of(text, zone):
            yield f"started {word} {day.day} {day:%b %Y}"
