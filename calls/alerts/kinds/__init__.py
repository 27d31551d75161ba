"""The kinds of alert rules, one module each, and the registry that everything else reads.

base             What a kind can do, the base class of kinds with a limit, and the prepared rule.
turns            Matches that quote a turn of an analysis or what was heard of a live call.
words            Words and phrases, in packets and utterances of live calls, and in transcripts.
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
from calls.alerts.kinds.sentiment import SentimentKind
from calls.alerts.kinds.silence import SilenceKind
from calls.alerts.kinds.sound import SoundKind
from calls.alerts.kinds.words import WordsKind
from calls.models import AlertRule

KINDS: dict[str, AlertKind] = {
    str(kind.name): kind
    for kind in (
        WordsKind(),
        SentimentKind(),
        SilenceKind(),
        LossKind(),
        LongCallKind(),
        AnalysisFailedKind(),
        SoundKind(),
    )
}
AlertRule.kind_checks.update({name: kind.clean for name, kind in KINDS.items()})
PACKET_KINDS = tuple(name for name, kind in KINDS.items() if kind.reads_packets)
LIVE_KINDS = tuple(name for name, kind in KINDS.items() if kind.checks_live_calls)
