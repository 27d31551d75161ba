"""What is wrong with the sound of a call, and what to do about it, for the top of its page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from calls.actions import ACTIONS
from calls.analysis.media.troubles import advise, describe, from_stored
from calls.models import Call


@dataclass(frozen=True)
class ShownTrouble:
    """``url`` points to the remedy, if this site has one; it is empty otherwise."""

    kind: str
    label: str
    sentence: str
    action: str
    url: str = ""


def list_sound_troubles(call: Call, document: Mapping[str, Any] | None) -> list[ShownTrouble]:
    """Return the troubles of the transcript that the page shows."""
    made = ((document or {}).get("provenance") or {}).get("transcribe") or {}
    labels = dict(Call.SoundTrouble.choices)
    return [
        ShownTrouble(
            kind=each.kind,
            label=str(labels[each.kind]),
            sentence=describe(each),
            action=advise(each),
            url=_remedy(call) if each.kind == "wrong_codec" else "",
        )
        for each in from_stored(made.get("troubles", []))
    ]


def _remedy(call: Call) -> str:
    decode = ACTIONS["decode"]
    return reverse("supervisor:decode", args=[call.call_id]) if decode.is_offered(call) else ""
