"""Words and phrases in packets as they come: live calls that arrive as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from django.conf import settings
from django.db.models import Min

from calls.alerts.phrases import excerpt, find_phrase
from calls.alerts.rules import ReadyRule
from calls.alerts.services import Finding
from calls.alerts.tail import Heard
from calls.analysis.conversation import Speaker, Turn
from calls.analysis.packets import PacketRow, speaker_map
from calls.analysis.redaction import redact
from calls.analysis.roles import other_side
from calls.analysis.textcall import spoken_parts
from calls.models import Packet

CONTEXT_PACKETS = 20  # a number is personal because of the question before it


def find_words(rules: Sequence[ReadyRule], packets: Iterable[Heard]) -> Iterator[Finding]:
    """Yield what the rules find in packets, each with its quote redacted."""
    for packet in packets:
        for side, text in spoken_parts(packet.data, packet.track, speakers()):
            speaker = other_side(side, swapped=packet.swapped)
            for rule in rules:
                if not rule.expression or not rule.wants(queue=packet.queue, speaker=speaker):
                    continue
                if words := find_phrase(rule.expression, text):
                    yield _finding(rule, packet, speaker, text, words)


@lru_cache(maxsize=1)
def speakers() -> dict[str, Speaker]:
    return speaker_map(settings.TRACK_SPEAKERS)


def _finding(rule: ReadyRule, packet: Heard, speaker: str, text: str, words: str) -> Finding:
    redacted = _redacted(packet, text)
    return Finding(
        rule.row,
        packet.call_pk,
        found=said(rule, redacted, words),
        source=f"packet:{packet.pk}",
        quote=excerpt(redacted, rule.expression),
        speaker=speaker,
        offset_ms=_offset_ms(packet),
    )


def said(rule: ReadyRule, redacted: str, words: str) -> str:
    """Name the words that were found, unless they are themselves personal."""
    if rule.expression and find_phrase(rule.expression, redacted):
        return f"Said “{words}”."
    return "Said words that are personal data."


def _redacted(packet: Heard, text: str) -> str:
    """Return what was said without what is personal, in the light of what was said before."""
    before = Packet.objects.filter(stream__call=packet.call_pk, pk__lt=packet.pk)
    rows = before.order_by("-pk").values_list("track", "data")[:CONTEXT_PACKETS]
    turns = [
        Turn(speaker, 0, 0, words)
        for track, data in reversed(rows)
        for speaker, words in spoken_parts(data, track, speakers())
    ]
    for speaker, words in spoken_parts(packet.data, packet.track, speakers()):
        turns.append(Turn(speaker, 0, 0, words))
        if words == text:
            break
    return redact(turns).turns[-1].text


def _offset_ms(packet: Heard) -> int | None:
    """Return how far into its call a packet was said, by the clock of the sender."""
    stored = Packet.objects.filter(stream__call=packet.call_pk)
    first = stored.aggregate(at=Min("timestamp"))["at"]
    own = stored.filter(pk=packet.pk).values_list("timestamp", flat=True).first()
    if first is None or own is None:
        return None
    begin, at = (PacketRow("", "", 0, each, "", "").stamp for each in (first, own))
    return min(max(0, round((at - begin) * 1000)), 2**62)
