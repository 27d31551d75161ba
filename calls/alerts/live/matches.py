"""Checks what was heard of live calls against the rules."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from django.db import DatabaseError

from calls.alerts.conditions import match_live
from calls.alerts.live.heard import HeardCall
from calls.alerts.matches import AlertMatch
from calls.alerts.rules import RuleBook

log = logging.getLogger(__name__)


def match_heard(book: RuleBook, calls: Iterable[HeardCall]) -> Iterator[AlertMatch]:
    """Yield the matches of the rules in what was heard, call by call."""
    for heard in calls:
        yield from _of_call(book, heard)


def _of_call(book: RuleBook, heard: HeardCall) -> list[AlertMatch]:
    try:
        return [
            match
            for rule in book.for_call(queue=heard.call.queue, agent=heard.call.agent)
            for match in match_live(rule, heard)
        ]
    except DatabaseError:
        raise
    except Exception:
        # It would fail again after each restart, and stop the alerts of all other calls.
        log.exception("what was heard of call %d is not checked", heard.pk)
        return []
