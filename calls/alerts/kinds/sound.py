"""Trouble with the sound, as the analysis found it."""

from __future__ import annotations

from collections.abc import Iterator

from calls.alerts.kinds.base import AlertKind, ReadyRule
from calls.alerts.matches import AlertMatch
from calls.analysis.media.troubles import describe, from_stored
from calls.models import AlertRule, Analysis, Call, Transcript

SOURCE_LENGTH = 64  # of Alert.source


class SoundKind(AlertKind):
    name = AlertRule.Kind.SOUND

    def match_analysis(
        self, rule: ReadyRule, call: Call, analysis: Analysis
    ) -> Iterator[AlertMatch]:
        """Raise one alert for all that is wrong. Most calls have nothing and cost no query."""
        if not call.sound_troubles:
            return
        made = Transcript.objects.filter(pk=analysis.transcript_id)
        provenance = made.values_list("provenance", flat=True).first() or {}
        troubles = from_stored(provenance.get("troubles", []))
        if troubles:
            kinds = "+".join(dict.fromkeys(each.kind for each in troubles))
            found = " ".join(map(describe, troubles))
            source = f"sound:{kinds}"[:SOURCE_LENGTH]
            yield AlertMatch(rule.row, call.pk, found, source, found_after_call=True)
