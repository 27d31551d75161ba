"""Options that select the calls for a command. They mean the same as the filters of the API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet

from calls.actions import REFUSALS, Action
from calls.api.filters import CallFilter
from calls.description import DESCRIBED
from calls.lifecycle import CallState
from calls.models import Call
from calls.waking import waking_once

FILTERS = {
    "call-id-prefix": "calls whose id starts with this",
    **{each.name.replace("_", "-"): each.option for each in DESCRIBED if each.option},
    "customer-sentiment": "POSITIVE, NEUTRAL or NEGATIVE",
    "tag": "calls with this tag",
    "opened-after": "calls that started at or after this time: 2026-01-31T12:00:00Z",
    "opened-before": "calls that started before this time",
}
CALLS_AT_ONCE = 100


def add_options(parser: CommandParser) -> None:
    for name, description in FILTERS.items():
        parser.add_argument(f"--{name}", help=description)
    parser.add_argument("--limit", type=int, help="at most this many, oldest first")
    parser.add_argument("--dry-run", action="store_true", help="count, but change nothing")


def choose(options: dict[str, Any], states: Iterable[CallState]) -> QuerySet[Call]:
    """Return the calls that the options select, in one of ``states``. Raises CommandError."""
    given = {name.replace("-", "_"): options[name.replace("-", "_")] for name in FILTERS}
    wanted = {name: value for name, value in given.items() if value is not None}
    # The filters of the API check the values, so commands and API mean the same by them.
    chosen = CallFilter(wanted, queryset=Call.objects.filter(state__in=states))
    if not chosen.is_valid():
        wrong = (f"--{name.replace('_', '-')}: {text[0]}" for name, text in chosen.errors.items())
        raise CommandError(" ".join(wrong))
    calls: QuerySet[Call] = chosen.qs
    return calls


def work_through(
    command: BaseCommand, action: Action, options: dict[str, Any], **given: Any
) -> None:
    """Carry an action out for each selected call and report how many took it.

    A call that refuses does not stop the others. ``given`` are options of the action itself.
    """
    calls = choose(options, action.states)
    limit = options["limit"]
    if options["dry_run"]:
        found = calls.count()
        command.stdout.write(f"{min(found, limit) if limit else found} calls would be changed.")
        return
    done = refused = 0
    for call_ids in _call_ids(calls, limit):
        # Each retry makes a call due. Without this, each would queue a job of its own.
        with waking_once():
            for call_id in call_ids:
                try:
                    action.run(call_id=call_id, by="manage.py", **given)
                    done += 1
                except REFUSALS as error:
                    refused += 1
                    command.stderr.write(f"{call_id}: {error}")
    command.stdout.write(f"{done} calls changed, {refused} refused.")


def _call_ids(calls: QuerySet[Call], limit: int | None) -> Iterator[list[str]]:
    """Yield batches of ids, oldest first, without holding a cursor while each is worked on."""
    last, left = 0, limit
    while left is None or left > 0:
        size = CALLS_AT_ONCE if left is None else min(left, CALLS_AT_ONCE)
        rows = list(calls.filter(pk__gt=last).order_by("pk").values_list("pk", "call_id")[:size])
        if not rows:
            return
        last, left = rows[-1][0], None if left is None else left - len(rows)
        yield [call_id for _, call_id in rows]
