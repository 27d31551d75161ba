"""Creates many calls that end at once, and checks how their analysis ended.

`python -m benchmarks.analysis.ended_calls end COUNT | outcome SEED | ...` runs in its own process,
because Django's settings name one database. It prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import django
from django.conf import settings
from django.db import transaction
from django.utils import timezone

if TYPE_CHECKING:
    from calls.models import Attempt, Call

PACE_S = 3.0  # between two sentences
# The first sentence makes each call unique: chaos is seeded by the words of a call.
SENTENCES = (
    ("agent", "Good morning, this is Ana, how can I help you?"),
    ("customer", "My parcel has not come, and I have been waiting for ages."),
    ("agent", "I am sorry to hear that. Let me look into it."),
    ("customer", "That would be great."),
    ("agent", "It was held back at the depot. You will have it in your hands tomorrow."),
    ("customer", "Thank you very much, that is good news."),
)


def end(count: int) -> dict[str, Any]:
    """Open ``count`` text calls and end them all in one transaction, at the same time."""
    from calls.models import Call, Packet, Stream
    from calls.waking import wake_worker

    now = timezone.now()
    with transaction.atomic():
        calls = Call.objects.bulk_create(
            Call(call_id=f"ended-{n}", last_packet_at=now, packet_count=len(SENTENCES) + 1)
            for n in range(count)
        )
        streams = Stream.objects.bulk_create(
            Stream(call=call, packet_count=len(SENTENCES) + 1, first_sequence=1, last_sequence=7)
            for call in calls
        )
        Packet.objects.bulk_create(
            Packet(stream=stream, sequence=at, track=who, timestamp=at * PACE_S,
                   received_at=now, data=words)
            for number, stream in enumerate(streams)
            for at, (who, words) in enumerate([_opening(number), *SENTENCES], 1)
        )  # fmt: skip
    with transaction.atomic():
        ended_at = timezone.now()
        # The state field refuses assignment, but update() may set it.
        Call.objects.filter(pk__in=[call.pk for call in calls]).update(
            state="COMPLETED", ended_at=ended_at, state_changed_at=ended_at, version=2
        )
        wake_worker()
    return {"ended_at": timezone.now().timestamp()}


def _opening(number: int) -> tuple[str, str]:
    word, letters = "", "bcdfghjklm"
    for digit in str(number):
        word += letters[int(digit)] + "a"
    return "agent", f"Welcome to the {word} service."


def outcome(seed: str) -> dict[str, Any]:
    """Return the states of the calls, the draws of chaos for each, and any problems."""
    from calls.models import Call

    calls = list(Call.objects.order_by("pk").prefetch_related("attempts", "transcripts"))
    archived_at = _moments("ARCHIVED")
    failed_at = _moments("FAILED")
    over = {**archived_at, **failed_at}
    return {
        "states": _counted([str(call.state) for call in calls]),
        "attempts": _counted([a.outcome for call in calls for a in call.attempts.all()]),
        "over_s": [
            max(over[call.pk]).timestamp() - call.ended_at.timestamp() if call.pk in over else None
            for call in calls
            if call.ended_at
        ],
        "fates": [_fate(call, seed) for call in calls] if seed else [],
        "problems": _problems(calls, archived_at, failed_at),
    }


def _moments(state: str) -> dict[int, list[datetime]]:
    from calls.models import CallEvent

    found: dict[int, list[datetime]] = {}
    moved = CallEvent.objects.filter(type="state_change", state=state)
    for call, at in moved.values_list("call_id", "at"):
        found.setdefault(call, []).append(at)
    return found


def _fate(call: Call, seed: str) -> tuple[list[float], bool]:
    from calls.analysis.providers.chaos import draw, fate, fingerprint

    transcript = max(call.transcripts.all(), key=lambda each: each.version, default=None)
    words = fingerprint([turn["text"] for turn in transcript.turns] if transcript else [])
    waits: list[float] = []
    for attempt in range(1, settings.AI_MAX_ATTEMPTS + 1):
        dice = fate(seed, words, attempt)
        wait_s, fails = draw(dice, settings.AI_CHAOS_FAILURE_RATE, settings.AI_CHAOS_LATENCY)
        waits.append(wait_s)
        if not fails:
            return waits, True
    return waits, False


def _problems(calls: Sequence[Call], archived: dict[int, Any], failed: dict[int, Any]) -> list[str]:
    from calls.models import Analysis

    found: list[str] = []
    analyses = _counted(list(Analysis.objects.values_list("call_id", flat=True)))
    for call in calls:
        ends = (
            len(archived.get(call.pk, [])),
            len(failed.get(call.pk, [])),
            analyses.get(call.pk, 0),
        )
        # Each end is in the log exactly once, and an archived call has exactly one analysis.
        wanted = {"ARCHIVED": (1, 0, 1), "FAILED": (0, 1, 0)}.get(str(call.state))
        if ends != wanted:
            found.append(f"{call}: {call.state}, and archived, failed, analyses are {ends}")
        for stage in ("transcribe", "understand"):
            tries = [a for a in call.attempts.all() if a.stage == stage]
            found += [f"{call}, {stage}: {wrong}" for wrong in _miscounted(call, tries)]
    return found


def _miscounted(call: Call, tries: Sequence[Attempt]) -> list[str]:
    """Return problems: gaps in attempt numbers, running attempts, or a failure before five."""
    # Released and snoozed attempts keep their number for the next one.
    counted = [a for a in tries if a.outcome in ("succeeded", "failed", "crashed")]
    wrong: list[str] = []
    if [a.number for a in counted] != list(range(1, len(counted) + 1)):
        wrong.append(f"attempts are numbered {[a.number for a in counted]}")
    if any(a.outcome == "running" for a in tries):
        wrong.append("an attempt is still running")
    if sum(a.outcome == "succeeded" for a in tries) > 1:
        wrong.append("it succeeded more than once")
    # Text calls ask the AI in the second stage only, so only that one can fail permanently.
    has_failed = call.state == "FAILED" and tries and tries[-1].stage == "understand"
    if has_failed and len(counted) != settings.AI_MAX_ATTEMPTS:
        wrong.append(f"it failed after {len(counted)} attempts")
    return wrong


def _counted(values: Sequence[Any]) -> dict[Any, int]:
    return dict(Counter(values))


def main(task: str, argument: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callcenter.settings")
    django.setup()
    answer = end(int(argument)) if task == "end" else outcome(argument)
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
