"""Words and phrases in packets as they come: live calls that arrive as text."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Min

from calls.alerts.phrases import excerpt, find_phrase
from calls.alerts.rules import ReadyRule
from calls.alerts.services import PACKET, Finding, rules_that_spoke
from calls.alerts.tail import Heard
from calls.analysis.media.packets import PacketRow, speaker_map
from calls.analysis.media.roles import other_side
from calls.analysis.media.textcall import spoken_parts
from calls.conversation import Speaker, Turn
from calls.models import Packet
from calls.redaction.redact import redact

log = logging.getLogger(__name__)
NOT_QUOTED = "Words of this rule were said."
CONTEXT_PACKETS = 20  # a number is personal because of the question before it


class _Match(NamedTuple):
    rule: ReadyRule
    packet: Heard
    speaker: Speaker
    text: str
    words: str


def find_words(rules: Sequence[ReadyRule], packets: Iterable[Heard]) -> Iterator[Finding]:
    """Yield what the rules find in packets, each with its quote redacted."""
    matches = [match for packet in packets for match in _matches(rules, packet)]
    spoken = rules_that_spoke((match.rule.row, match.packet.call_pk) for match in matches)
    for match in matches:
        key = (match.rule.row.pk, match.packet.call_pk)
        if key in spoken:
            continue  # before anything is read and redacted for it
        if match.rule.row.repeat_after_s is None:
            spoken.add(key)
        yield _finding(match)


def _matches(rules: Sequence[ReadyRule], packet: Heard) -> list[_Match]:
    try:
        return [
            _Match(rule, packet, speaker, text, words)
            for side, text in spoken_parts(packet.data, packet.track, speakers())
            for speaker in (other_side(side, swapped=packet.swapped),)
            for rule in rules
            if rule.expression and rule.wants(queue=packet.queue, speaker=speaker)
            if (words := find_phrase(rule.expression, text))
        ]
    except Exception:
        # One odd packet, read again and again, would end the watch over all others.
        log.exception("packet %d is not searched for words", packet.pk)
        return []


@lru_cache(maxsize=1)
def speakers() -> dict[str, Speaker]:
    return speaker_map(settings.TRACK_SPEAKERS)


def _finding(match: _Match) -> Finding:
    rule, packet = match.rule, match.packet
    try:
        redacted = _redacted(packet, match.text)
        return Finding(
            rule.row,
            packet.call_pk,
            found=said(rule, redacted, match.words),
            source=f"{PACKET}{packet.pk}",
            quote=excerpt(redacted, rule.expression),
            speaker=match.speaker,
            offset_ms=_offset_ms(packet),
        )
    except DatabaseError:
        raise
    except Exception:
        log.exception("the words in packet %d are not quoted", packet.pk)
        return Finding(rule.row, packet.call_pk, NOT_QUOTED, f"{PACKET}{packet.pk}")


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
