"""What may be shown of a call while it lasts.

The redaction of a finished call knows how each sentence goes on. Here it is not known yet, so what
may still become personal is held back until it is clear.
"""

from __future__ import annotations

from collections.abc import Sequence

from calls.conversation import Turn
from calls.redaction.languages.rules import VOCABULARIES, rules_for
from calls.redaction.redact import redact
from calls.redaction.spoken_numbers import has_digits, tokenize

# An utterance has the fields of a turn.
LiveWords = Turn
# A turn goes on after a pause of up to 1.5 s. People who read a number out pause longer.
QUIET_MS = 4_000


def clear(utterances: Sequence[LiveWords], *, language: str, now_ms: int) -> list[str | None]:
    """Return what may be shown of each utterance; None if it is held back.

    ``utterances`` are all of the call so far, in order of ``begin_ms``. Every word that was spoken
    before ``now_ms`` must be in them: while somebody speaks, that is the time at which the
    utterance began. ``language`` is the declared one, empty if it is not known.
    """
    shown = [turn.text for turn in redact(utterances, language=language).turns]
    return [
        None if _may_go_on(utterances, place, now_ms) else text for place, text in enumerate(shown)
    ]


def _may_go_on(utterances: Sequence[LiveWords], place: int, now_ms: int) -> bool:
    """Return whether an utterance has digits, and its speaker may go on with them."""
    rules = rules_for(tuple(VOCABULARIES))
    return (
        place >= len(utterances) - 2
        and now_ms - utterances[-1].end_ms < QUIET_MS
        and has_digits(tokenize(utterances[place].text, rules))
    )
