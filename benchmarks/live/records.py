"""Reads and writes the database of a run: `python -m benchmarks.live.records TASK [ARGUMENTS]`.

It runs in its own process, because Django's settings name one database. It prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import django
from django.utils import timezone

from benchmarks.rig.rows import make_key

USER, PASSWORD = "bench", "a long bench password"


def user() -> None:
    """Make the supervisor who opens the pages."""
    from django.contrib.auth.models import User

    User.objects.create_superuser(USER, password=PASSWORD)


def heard(prefix: str) -> dict[str, Any]:
    """Return what was heard live of the calls whose ids start with ``prefix``."""
    from calls.models import Call

    return {
        call.call_id: {
            "opened_at": call.opened_at.timestamp(),
            "state": call.state,
            "utterances": [
                {
                    "speaker": each.speaker,
                    "begin_ms": each.begin_ms,
                    "end_ms": each.end_ms,
                    "text": each.text,
                    "heard_at": each.heard_at.timestamp(),
                }
                for each in call.live_utterances.order_by("begin_ms")
            ],
            "skipped": call.live.skipped if hasattr(call, "live") else [],
        }
        for call in Call.objects.filter(call_id__startswith=prefix).select_related("live")
    }


def final(prefix: str) -> dict[str, Any]:
    """Return the transcripts of calls, and how long after its end each was archived."""
    from calls.models import Call

    found = {}
    for call in Call.objects.filter(call_id__startswith=prefix):
        transcript = call.transcripts.order_by("-version").first()
        took = call.state_changed_at - call.ended_at if call.ended_at else None
        found[call.call_id] = {
            "state": call.state,
            "archived_after_s": took.total_seconds() if took else None,
            "turns": transcript.turns if transcript else [],
            "provenance": transcript.provenance if transcript else {},
        }
    return found


def end(prefix: str) -> None:
    """End the calls whose ids start with ``prefix``, all at once."""
    from django.db import transaction

    from calls.models import Call
    from calls.waking import wake_worker

    with transaction.atomic():
        now = timezone.now()
        Call.objects.filter(call_id__startswith=prefix, state="IN_PROGRESS").update(
            state="COMPLETED", ended_at=now, state_changed_at=now, version=2
        )
        wake_worker()


def listeners() -> list[str]:
    """Return the processes that hear live calls, as they name themselves."""
    from calls.models import ListenerReport

    return list(ListenerReport.objects.order_by("seen_at").values_list("process", flat=True))


TASKS: dict[str, Callable[..., Any]] = {
    "key": make_key,
    "user": user,
    "heard": heard,
    "final": final,
    "end": end,
    "listeners": listeners,
}


def main(task: str, *arguments: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callcenter.settings")
    django.setup()
    sys.stdout.write(json.dumps(TASKS[task](*arguments)))


if __name__ == "__main__":
    main(*sys.argv[1:])
