"""A transcript as WebVTT subtitles (https://www.w3.org/TR/webvtt1/), with a voice for each side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from calls.exports.clean import clock, one_line

CUE_MS = 7_000
# ">" as well: cue text must not contain "-->".
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class _Piece(NamedTuple):
    begin_ms: int
    end_ms: int
    text: str


def export(document: dict[str, Any]) -> str:
    """Return one cue for each turn, or several of about 7 s, in order of their start.

    Notes come before them as comments, which players do not show.
    """
    cues = [
        (piece, turn["speaker"].title()) for turn in document["turns"] for piece in split_turn(turn)
    ]
    # Players expect cues in order, and turns of both sides may overlap.
    cues.sort(key=lambda cue: cue[0].begin_ms)
    notes = "".join(map(_comment, document["notes"]))
    return "WEBVTT\n" + notes + "".join(_cue(piece, speaker) for piece, speaker in cues)


def _comment(note: dict[str, Any]) -> str:
    place = "" if note["at_ms"] is None else f"{clock(note['at_ms'])} "
    # Escaped as well: a comment must not contain "-->" either.
    text = one_line(f"{note['author'] or 'someone'}: {note['text']}").translate(_ESCAPES)
    return f"\nNOTE {place}{text}\n"


def _cue(piece: _Piece, speaker: str) -> str:
    # A cue must end after it starts.
    end_ms = max(piece.end_ms, piece.begin_ms + 1)
    text = one_line(piece.text).translate(_ESCAPES)
    return f"\n{clock(piece.begin_ms)} --> {clock(end_ms)}\n<v {speaker}>{text}\n"


def split_turn(turn: dict[str, Any]) -> Iterator[_Piece]:
    """Yield a turn in pieces that are short enough to read, cut between words."""
    whole = _Piece(turn["begin_ms"], turn["end_ms"], turn["text"])
    if whole.end_ms - whole.begin_ms <= CUE_MS:
        yield whole
        return
    group: list[_Piece] = []
    for word in _words(turn, whole):
        if group and word.end_ms - group[0].begin_ms > CUE_MS:
            yield _joined(group)
            group = []
        group.append(word)
    yield _joined(group) if group else whole


def _joined(group: list[_Piece]) -> _Piece:
    return _Piece(group[0].begin_ms, group[-1].end_ms, " ".join(piece.text for piece in group))


def _letters(text: str) -> str:
    return "".join(text.split())


def _words(turn: dict[str, Any], whole: _Piece) -> list[_Piece]:
    """Return the words with their times. If these do not match the text, spread it evenly."""
    heard = [_Piece(begin, end, text.strip()) for begin, end, text in turn["words"]]
    if _letters(" ".join(piece.text for piece in heard)) == _letters(whole.text):
        return heard
    texts = whole.text.split()
    step = (whole.end_ms - whole.begin_ms) / max(1, len(texts))
    return [
        _Piece(
            whole.begin_ms + round(place * step), whole.begin_ms + round((place + 1) * step), text
        )
        for place, text in enumerate(texts)
    ]
