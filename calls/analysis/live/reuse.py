"""What was heard live of a finished call, found in its recording."""

from __future__ import annotations

from typing import Any

from calls.analysis.live.channel import LiveUtterance as Heard


def fingerprint_fields(heard: Heard) -> dict[str, Any]:
    """Return the fields of the LiveUtterance row that find this utterance in the recording."""
    found = heard.fingerprint
    return {
        "rate": heard.rate,
        "length": found.length,
        "checksum": found.checksum,
        "needle_at": found.needle_at,
        "needle": found.needle,
        "gap_checksum": found.gap_checksum,
    }
