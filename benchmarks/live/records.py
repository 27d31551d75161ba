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


def end(*slugs: str) -> None:
    """End the stored recordings, one after another."""
    from django.db import transaction

    from calls.models import Call
    from calls.waking import wake_worker

    for slug in slugs:
        with transaction.atomic():
            now = timezone.now()
            Call.objects.filter(call_id__startswith=slug, state="IN_PROGRESS").update(
                state="COMPLETED", ended_at=now, state_changed_at=now, version=2
            )
            wake_worker()


def rules() -> None:
    """Make a rule that quotes talk about personal data, and a webhook that receives its alerts."""
    from calls.models import AlertRule, WebhookEndpoint

    phrases = "card\nnumber\naccount\ne-mail\nbirth\naddress\ncode"
    AlertRule.objects.create(name="Personal", kind="words", phrases=phrases, per_turn=True)
    WebhookEndpoint.objects.create(
        name="Nobody", url="http://127.0.0.1:9/", alerts=True, state_changes=True, results=True
    )


def texts() -> dict[str, list[str]]:
    """Return what the events, alerts, messages and live rows of each call hold."""
    from django.core.serializers.json import DjangoJSONEncoder

    from calls.models import Alert, Call, CallEvent, LiveTranscription, WebhookDelivery

    told: dict[str, list[str]] = {}
    names = dict(Call.objects.values_list("pk", "call_id"))
    shown = ("figures", "partial", "last_words")
    for rows in (
        CallEvent.objects.exclude(call=None).values("call_id", "data"),
        Alert.objects.values("call_id", "quote", "found"),
        LiveTranscription.objects.values("call_id", *shown),
    ):
        for row in rows:
            text = json.dumps(row, cls=DjangoJSONEncoder)
            told.setdefault(names[row["call_id"]], []).append(text)
    for body in WebhookDelivery.objects.values_list("body", flat=True):
        for name in names.values():
            if json.dumps(name) in body:
                told.setdefault(name, []).append(body)
    return told


def listeners() -> list[str]:
    """Return the names of the processes that transcribe live calls."""
    from calls.models import ListenerReport

    return list(ListenerReport.objects.order_by("seen_at").values_list("process", flat=True))


TASKS: dict[str, Callable[..., Any]] = {
    "key": make_key,
    "user": user,
    "heard": heard,
    "final": final,
    "end": end,
    "listeners": listeners,
    "rules": rules,
    "texts": texts,
}


def main(task: str, *arguments: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callcenter.settings")
    django.setup()
    sys.stdout.write(json.dumps(TASKS[task](*arguments)))


if __name__ == "__main__":
    main(*sys.argv[1:])
