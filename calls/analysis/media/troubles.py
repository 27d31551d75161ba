"""Trouble with the sound of a call, in words and as stored. Detection is elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, cast

from calls.conversation import SPEAKERS, SoundTrouble, Speaker

_ENCODINGS = {
    "mulaw": "mu-law",
    "alaw": "A-law",
    "l16le": "16-bit samples, low byte first",
    "l16be": "16-bit samples, high byte first",
}
_OTHER: Mapping[Any, Speaker] = {SPEAKERS[0]: SPEAKERS[1], SPEAKERS[1]: SPEAKERS[0]}


def name_track(name: str) -> str:
    return f"track {name!r}" if name else "the only track"


def describe(trouble: SoundTrouble) -> str:
    """Return the trouble as a sentence for people."""
    return _SENTENCES[trouble.kind](trouble)


def advise(trouble: SoundTrouble) -> str:
    """Return what to do about it."""
    if trouble.kind != "wrong_codec":
        return _ADVICE[trouble.kind]
    return f"Check the media type: sounds like {_ENCODINGS[trouble.fits]}"


def as_stored(troubles: Sequence[SoundTrouble]) -> list[dict[str, Any]]:
    """Return the troubles as JSON, without fields that are empty."""
    return [{name: value for name, value in asdict(each).items() if value} for each in troubles]


def from_stored(stored: Sequence[Mapping[str, Any]]) -> list[SoundTrouble]:
    """Return stored troubles. One of a kind that is not known here is left out."""
    return [SoundTrouble(**each) for each in stored if each.get("kind") in _SENTENCES]


def swap_troubles(troubles: Sequence[SoundTrouble]) -> tuple[SoundTrouble, ...]:
    """Return the troubles with the speakers swapped."""
    return tuple(
        replace(each, speaker=_OTHER[each.speaker]) if each.speaker else each for each in troubles
    )


def _wrong_codec(trouble: SoundTrouble) -> str:
    name = name_track(trouble.track)
    return (
        f"The audio of {name} sounds like noise as {_ENCODINGS[trouble.declared]} and like "
        f"speech as {_ENCODINGS[trouble.fits]}: check the media type that the sender declares."
    )


def _one_way(trouble: SoundTrouble) -> str:
    other = _OTHER[cast(Speaker, trouble.speaker)]
    return (
        f"Only the {other} can be heard: the {trouble.speaker}'s channel has sound, but no speech."
    )


_SENTENCES: dict[str, Callable[[SoundTrouble], str]] = {
    "wrong_codec": _wrong_codec,
    "silent_side": lambda it: f"The {it.speaker}'s channel has no sound at all.",
    "one_way": _one_way,
    "no_speech": lambda it: "No speech was recognised in this call.",
    "too_quiet": lambda it: (
        f"The {it.speaker} is very quiet, so words may be missing or wrong in the transcript."
    ),
    "clipping": lambda it: (
        f"The {it.speaker}'s channel is too loud: {it.percent:.0f} % of its samples are at the "
        "limit."
    ),
    "heavy_loss": lambda it: (
        f"{it.percent:.0f} % of the sound is missing, so words are missing in the transcript."
    ),
}
_ADVICE = {
    "silent_side": "Check that the phone system sends both sides",
    "one_way": "Check the headset and the phone line of this side",
    "no_speech": "Listen to the recording: nobody may have spoken",
    "too_quiet": "Turn up the microphone, or the gain of this side",
    "clipping": "Turn down the microphone, or the gain of this side",
    "heavy_loss": "Check the network between the phone system and this server",
}
