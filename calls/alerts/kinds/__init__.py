"""The kinds of alert rules, one module each, and the registry that everything else reads.

base             What a kind can do, the base class of kinds with a limit, and the prepared rule.
turns            Matches that quote a turn of an analysis or what was heard of a live call.
words            Words and phrases, in packets and utterances of live calls, and in transcripts.
not_said         Words and phrases that a speaker must say and did not.
sentiment        Sentiment of a call or of one turn, so far and at the end.
silence          Live calls without packets, and stretches in which nobody talked.
loss             The share of packets that are missing.
long_call        The length of a call.
analysis_failed  Calls whose analysis failed.
sound            Trouble with the sound of a finished call.
"""

from __future__ import annotations

from calls.alerts.kinds.analysis_failed import AnalysisFailedKind
from calls.alerts.kinds.base import AlertKind
from calls.alerts.kinds.long_call import LongCallKind
from calls.alerts.kinds.loss import LossKind
from calls.alerts.kinds.not_said import NotSaidKind
from calls.alerts.kinds.sentiment import SentimentKind
from calls.alerts.kinds.silence import SilenceKind
from calls.alerts.kinds.sound import SoundKind
from calls.alerts.kinds.words import WordsKind

KINDS: dict[str, AlertKind] = {
    str(kind.name): kind
    for kind in (
        WordsKind(),
        NotSaidKind(),
        SentimentKind(),
        SilenceKind(),
        LossKind(),
        LongCallKind(),
        AnalysisFailedKind(),
        SoundKind(),
    )
}
PACKET_KINDS = tuple(name for name, kind in KINDS.items() if kind.reads_packets)
LIVE_KINDS = tuple(name for name, kind in KINDS.items() if kind.checks_live_calls)
# Silence and failures are moments, not states of a call: they cannot be further conditions.
CONDITION_KINDS = ("words", "not_said", "sentiment", "loss", "long_call")
