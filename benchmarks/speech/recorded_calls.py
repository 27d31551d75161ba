"""Stores the recorded calls: `python -m benchmarks.speech.recorded_calls TASK [TIMES]`.

It runs in its own process, because Django's settings name one database. It prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import django
from django.db import transaction
from django.utils import timezone

from benchmarks.rig.rows import make_key


def store(times: int) -> dict[str, Any]:
    """Store each recorded call ``times`` times, in packets of 20 ms."""
    from calls.simulation.scripts import load_recording, recording_slugs

    audio_s = 0.0
    for number in range(times):
        for slug in recording_slugs():
            script = load_recording(slug)
            _store(f"{slug}-{number}", script)
            audio_s += len(script.packets) * 0.02
    return {"calls": times * len(recording_slugs()), "audio_s": audio_s}


def end() -> None:
    """End all calls at once."""
    from calls.waking import wake_worker

    with transaction.atomic():
        now = timezone.now()
        _all().update(state="COMPLETED", ended_at=now, state_changed_at=now, version=2)
        wake_worker()


def _all() -> Any:
    from calls.models import Call

    # Calls of the client that sends packets meanwhile are not transcribed.
    return Call.objects.exclude(call_id__startswith="paced-")


def _store(call_id: str, script: Any) -> None:
    from calls.models import Call, Packet, Stream

    now, count = timezone.now(), len(script.packets)
    with transaction.atomic():
        call = Call.objects.create(
            call_id=call_id, media=script.opening.media, last_packet_at=now, packet_count=count
        )
        stream = Stream.objects.create(
            call=call, packet_count=count, first_sequence=1, last_sequence=count
        )
        Packet.objects.bulk_create(
            [
                Packet(stream=stream, sequence=one.sequence, track=one.track, received_at=now,
                       timestamp=one.timestamp, data=one.data)
                for one in script.packets
            ],
            batch_size=2000,
        )  # fmt: skip


def outcome() -> dict[str, Any]:
    """Return the states of the calls, and the seconds from the end to the last archived call."""
    calls = list(_all())
    over = [(c.state_changed_at - c.ended_at).total_seconds() for c in calls if c.ended_at]
    return {
        "states": {str(c.state): sum(d.state == c.state for d in calls) for c in calls},
        "over_s": max(over),
        "unfinished": sum(not call.is_over for call in calls),
        "words": sum(
            len(turn["text"].split())
            for call in calls
            for transcript in call.transcripts.all()
            for turn in transcript.turns
        ),
    }


TASKS: dict[str, Callable[..., Any]] = {
    "key": make_key,
    "store": lambda times: store(int(times)),
    "end": end,
    "outcome": outcome,
}


def main(task: str, *arguments: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callcenter.settings")
    django.setup()
    answer = TASKS[task](*arguments)
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
