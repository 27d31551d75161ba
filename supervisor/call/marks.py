"""The marked moments of a call: alerts, and notes about a moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from calls.annotations import AnnotationRefused
from calls.models import Alert, Note
from supervisor.templatetags.look import span_ms

_RULE = "Write the moment as minutes and seconds, such as 1:23, or leave it empty."


@dataclass(frozen=True)
class Mark:
    """A mark on the timeline of the player, ``x`` percent from its start."""

    kind: str  # "note", or the severity of an alert
    target: str  # the fragment of the alert or note
    at_ms: int
    x: float
    title: str

    @classmethod
    def of_alert(cls, alert: Alert, duration_ms: int) -> Self:
        at_ms = alert.offset_ms or 0
        title = f"{span_ms(at_ms)} Alert: {alert.name}"
        return cls(alert.level, f"alert-{alert.pk}", at_ms, _place(at_ms, duration_ms), title)

    @classmethod
    def of_note(cls, note: Note, duration_ms: int) -> Self:
        at_ms = note.at_ms or 0
        title = f"{span_ms(at_ms)} Note by {note.author or 'someone'}: {note.text[:80]}"
        return cls("note", f"note-{note.pk}", at_ms, _place(at_ms, duration_ms), title)

    @property
    def at_s(self) -> str:
        """The moment in seconds, as addresses have it."""
        return f"{self.at_ms / 1000:.3f}"


def read_marks(alerts: Iterable[Alert], notes: Iterable[Note], duration_ms: int) -> list[Mark]:
    """Return the marks of a call that lasts ``duration_ms``, in the order of the call."""
    marks = [
        Mark.of_alert(alert, duration_ms) for alert in alerts if alert.offset_ms is not None
    ] + [Mark.of_note(note, duration_ms) for note in notes if note.at_ms is not None]
    return sorted(marks, key=lambda mark: mark.at_ms)


def _place(at_ms: int, duration_ms: int) -> float:
    return round(100 * min(at_ms, duration_ms) / max(1, duration_ms), 2)


def read_moment(text: str) -> int | None:
    """Read a moment as people write it (1:23, 1:02:03, 83.4) in ms; None if it is empty.

    Raises AnnotationRefused.
    """
    written = text.strip()
    if not written:
        return None
    parts = written.split(":")
    whole, _, tenths = parts[-1].partition(".")
    digits = [*parts[:-1], whole, tenths or "0"]
    if len(parts) > 3 or not all(each.isascii() and each.isdigit() for each in digits):
        raise AnnotationRefused("at", _RULE)
    if any(len(each) > 9 for each in digits) or any(int(each) > 59 for each in parts[1:-1]):
        raise AnnotationRefused("at", _RULE)
    if len(parts) > 1 and int(whole) > 59:
        raise AnnotationRefused("at", _RULE)
    seconds = 0
    for part in [*parts[:-1], whole]:
        seconds = 60 * seconds + int(part)
    return 1000 * seconds + int(tenths[:3].ljust(3, "0"))
