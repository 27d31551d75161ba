"""Comparing the received audio with the length of the call by the clock of this service.

Without this, a PBX that sends only a header for a call of several minutes looks like a silent call.
"""

from __future__ import annotations

from dataclasses import dataclass

from calls.models import Call

# A call may be sent faster than real time, and its end may be reported late.
LEAST_SHARE = 0.5
LEAST_LOSS_MS = 10_000


@dataclass(frozen=True, slots=True)
class Length:
    """``expected_ms`` is None for a call that has not ended."""

    received_ms: int
    expected_ms: int | None
    notes: tuple[str, ...] = ()


def measure_length(call: Call, received_ms: int) -> Length:
    """Compare received audio with the time from the first sign of a call to its end."""
    expected_ms = _lasted_ms(call)
    if expected_ms is None:
        return Length(received_ms, None)
    is_short = (
        received_ms < LEAST_SHARE * expected_ms and expected_ms - received_ms >= LEAST_LOSS_MS
    )
    if not is_short:
        return Length(received_ms, expected_ms)
    note = (
        f"Only {received_ms / 1000:.1f} s of audio were received of a call that lasted "
        f"{expected_ms / 1000:.0f} s."
    )
    return Length(received_ms, expected_ms, (note,))


def late_notes(call: Call) -> tuple[str, ...]:
    """Say how many of the packets came after the end of the call."""
    if not call.late_count:
        return ()
    if call.late_count == 1:
        return ("1 packet arrived after the call had ended and is included.",)
    return (f"{call.late_count} packets arrived after the call had ended and are included.",)


def _lasted_ms(call: Call) -> int | None:
    # These calls have no reported end. They may have ended with their last packet.
    is_unreported = call.end_reason in (Call.EndReason.IDLE, Call.EndReason.CONNECTION_LOST)
    ended_at = (call.last_packet_at or call.opened_at) if is_unreported else call.ended_at
    if ended_at is None:
        return None
    return max(0, round((ended_at - call.opened_at).total_seconds() * 1000))
