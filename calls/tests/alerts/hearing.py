"""Plays the listener and the watcher of a live call, for tests."""

from __future__ import annotations

from django.utils import timezone

from calls import services
from calls.alerts.kinds import LIVE_KINDS
from calls.alerts.live.matches import match_heard
from calls.alerts.live.sweep import sweep_live
from calls.alerts.live.utterances import LiveTail
from calls.alerts.results import watch_log
from calls.alerts.rules import RuleBook
from calls.alerts.services import raise_alerts
from calls.models import AlertRule, Call, CallEvent, LiveTranscription, LiveUtterance, Stage
from calls.tests import one_call
from calls.tests.factories import attempt, claim, live_call

DURATION_MS = 600_000
DEFAULTS = {"words": {"phrases": "lawyer\ncancel my contract"}, "sentiment": {"limit": -2}}


def rule(kind="words", **fields):
    defaults = {"name": kind, "severity": 2, **DEFAULTS.get(kind, {})}
    return AlertRule.objects.create(kind=kind, **{**defaults, **fields})


def hearing(**fields):
    """Start the live transcription of a new call."""
    call = live_call()
    Call.objects.filter(pk=call.pk).update(**fields)
    return Hearing(call)


class Hearing:
    """Transcribes one call: each write gets the next revision, as in the listener."""

    def __init__(self, call, *, channel="s/1/customer/0"):
        self.call, self.channel = call, channel
        self.live, _ = LiveTranscription.objects.get_or_create(call=call)
        self.numbers = LiveUtterance.objects.filter(call=call).count()

    def hear(self, begin_ms, shown, *, speaker="customer", length_ms=1_000, **fields):
        """Store an utterance. ``shown`` None holds it back."""
        self._write(heard_until_ms=begin_ms + length_ms)
        self.numbers += 1
        defaults = {"text": "as recognised", "channel": self.channel, "words": []}
        return LiveUtterance.objects.create(
            **{**defaults, **fields},
            call=self.call,
            number=self.numbers,
            revision=self.live.revision,
            speaker=speaker,
            begin_ms=begin_ms,
            end_ms=begin_ms + length_ms,
            shown=shown,
            heard_at=timezone.now(),
        )

    def change(self, utterance, **fields):
        self._write()
        rows = LiveUtterance.objects.filter(pk=utterance.pk)
        rows.update(revision=self.live.revision, **fields)

    def measure(self, **figures):
        self._write(figures=figures)

    def listen(self, heard_until_ms, **fields):
        """Store nothing new, which is not a revision."""
        self._store(heard_until_ms=heard_until_ms, **fields)

    def _write(self, **fields):
        self.live.revision += 1
        self._store(**fields)

    def _store(self, **fields):
        rows = LiveTranscription.objects.filter(pk=self.live.pk)
        rows.update(revision=self.live.revision, changed_at=timezone.now(), **fields)


def book():
    ready = RuleBook()
    ready.refresh()
    return ready


def look(tail=None, *, now=None):
    """Check the live calls, as each step of the watcher does. Return the new alerts."""
    heard = list(match_heard(book(), (tail or LiveTail()).read()))
    return raise_alerts(heard, now=now or timezone.now())


def look_at_log(tail=None, *, now=None, after=0):
    return watch_log(book(), after, now=now or timezone.now(), tail=tail or LiveTail())


def archive(call, *, turns=(), metrics=None):
    """End and analyse a call, with this result."""
    services.end_call(call_id=call.call_id)
    lease = claim()
    speech = {"duration_ms": DURATION_MS, "turns": list(turns), "speech": {}}
    transcript = one_call.save_transcript(lease, attempt(lease), **speech)
    one_call.archive(
        lease,
        attempt(lease, Stage.UNDERSTAND),
        transcript=transcript,
        turns=list(turns),
        summary="A call.",
        metrics=metrics or {},
        headline={},
    )
    return Call.objects.get(pk=call.pk)


def turn(begin_ms, text, *, speaker="customer", length_ms=1_000, score=0.0):
    return {
        "speaker": speaker,
        "begin_ms": begin_ms,
        "end_ms": begin_ms + length_ms,
        "text": text,
        "score": score,
        "words": [],
    }


def sweep(now):
    """Raise the alerts about the state of live calls."""
    return raise_alerts(matches_of_state(now), now=now)


def matches_of_state(now):
    """Return what the state of live calls matches."""
    return list(sweep_live(book().of(*LIVE_KINDS), now=now))


def ended(alert):
    """Return the state of an alert, why it was resolved, and the reasons in the log."""
    alert.refresh_from_db()
    told = CallEvent.objects.filter(type="alert_resolved", data__alert=alert.pk)
    return alert.state, alert.resolved_reason, [event.data["reason"] for event in told]
