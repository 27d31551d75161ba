"""Words and phrases in packets of live calls that arrive as text."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Min

from calls.alerts.kinds.base import ReadyRule
from calls.alerts.kinds.words import describe_words
from calls.alerts.live.packets import TextPacket
from calls.alerts.matches import PACKET_SOURCE, AlertMatch
from calls.alerts.phrases import excerpt, find_phrase
from calls.alerts.services import pairs_already_raised
from calls.analysis.media.packets import speaker_map
from calls.analysis.media.roles import other_side
from calls.analysis.media.stamps import epoch_unit
from calls.analysis.media.textcall import spoken_parts
from calls.conversation import Speaker, Turn
from calls.models import Packet
from calls.redaction.redact import redact

log = logging.getLogger(__name__)
NOT_QUOTED = "Words of this rule were said."
CONTEXT_PACKETS = 20  # a number may be personal only because of the question before it


class _SpokenMatch(NamedTuple):
    rule: ReadyRule
    packet: TextPacket
    speaker: Speaker
    text: str
    words: str


def find_words(rules: Sequence[ReadyRule], packets: Iterable[TextPacket]) -> Iterator[AlertMatch]:
    """Yield the matches of the rules in packets, each with a redacted quote.

    Rules with conditions wait for the words to be heard, which tells everything else about a call.
    """
    plain = [rule for rule in rules if not rule.conditions]
    matches = [match for packet in packets for match in _matches(plain, packet)]
    raised = pairs_already_raised((match.rule.row, match.packet.call_pk) for match in matches)
    for match in matches:
        key = (match.rule.row.pk, match.packet.call_pk)
        if key in raised:
            continue  # skip reading and redacting the context
        if match.rule.row.repeat_after_s is None:
            raised.add(key)
        yield _with_quote(match)


def _matches(rules: Sequence[ReadyRule], packet: TextPacket) -> list[_SpokenMatch]:
    try:
        return [
            _SpokenMatch(rule, packet, speaker, text, words)
            for side, text in spoken_parts(packet.data, packet.track, speakers())
            for speaker in (other_side(side, swapped=packet.swapped),)
            for rule in rules
            if rule.expression and rule.wants_call(queue=packet.queue, agent=packet.agent)
            if rule.wants_speaker(speaker)
            if (words := find_phrase(rule.expression, text))
        ]
    except Exception:
        # A malformed packet would be read again and again, and stop the watch of all others.
        log.exception("packet %d is not searched for words", packet.pk)
        return []


@lru_cache(maxsize=1)
def speakers() -> dict[str, Speaker]:
    return speaker_map(settings.TRACK_SPEAKERS)


def _with_quote(match: _SpokenMatch) -> AlertMatch:
    rule, packet = match.rule, match.packet
    try:
        redacted = _redacted(packet, match.text)
        return AlertMatch(
            rule.row,
            packet.call_pk,
            found=describe_words(rule, redacted, match.words),
            source=f"{PACKET_SOURCE}{packet.pk}",
            quote=excerpt(redacted, rule.expression),
            speaker=match.speaker,
            offset_ms=_offset_ms(packet),
        )
    # The watch waits for the database and reads this packet again.
    except DatabaseError:
        raise
    except Exception:
        log.exception("the words in packet %d are not quoted", packet.pk)
        return AlertMatch(rule.row, packet.call_pk, NOT_QUOTED, f"{PACKET_SOURCE}{packet.pk}")


def _redacted(packet: TextPacket, text: str) -> str:
    """Return the text without personal data, judged together with the packets before it."""
    # Over all streams of the call, in order of arrival: the question may be in another stream.
    before = Packet.objects.filter(stream__call=packet.call_pk, pk__lt=packet.pk)
    rows = before.order_by("-pk").values_list("track", "data")[:CONTEXT_PACKETS]
    turns = [
        Turn(speaker, 0, 0, words)
        for track, data in reversed(rows)
        for speaker, words in spoken_parts(data, track, speakers())
    ]
    for speaker, words in spoken_parts(packet.data, packet.track, speakers()):
        turns.append(Turn(speaker, 0, 0, words))
        # The last turn must be the one in question.
        if words == text:
            break
    language = packet.language or str(settings.AI_LANGUAGE)
    return redact(turns, language=language).turns[-1].text


def _offset_ms(packet: TextPacket) -> int | None:
    """Return how far into its call a packet was spoken, by the sender's clock."""
    stored = Packet.objects.filter(stream__call=packet.call_pk)
    first = stored.aggregate(at=Min("timestamp"))["at"]
    own = stored.filter(pk=packet.pk).values_list("timestamp", flat=True).first()
    if first is None or own is None:
        return None
    unit = epoch_unit([first, own]) or 1.0
    passed_ms = round((own - first) / unit * 1000)
    # The clock of a sender may be wrong by any amount. The column holds 64 bits.
    return int(min(max(0, passed_ms), 2**62))
