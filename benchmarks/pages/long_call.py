"""Stores a synthetic one-hour call with packets, recording, words, gaps and findings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

import numpy as np
from django.utils import timezone

from calls.analysis.metrics import measure
from calls.analysis.recording.files import keep_audio
from calls.conversation import (
    SPEAKERS,
    CallAudio,
    Channel,
    Sentiment,
    Turn,
    Word,
    label_for,
    turn_as_json,
)
from calls.lifecycle import CallState
from calls.models import Analysis, Attempt, Call, CallEvent, Packet, Recording, Stream, Transcript

CALL_ID = "bench-hour"
RATE = 8000
DURATION_S = 3600
TURNS = 500
WORDS_PER_TURN = 18
PACKET_S = 0.02
GAP_EVERY = 600
BATCH = 5000
VOCABULARY = ("thank", "you", "for", "calling", "about", "the", "line", "since", "Monday")


def build() -> Call:
    """Store the call, as if the product had received and analysed it."""
    chance = np.random.default_rng(7)
    now = timezone.now()
    begin = now - timedelta(seconds=DURATION_S + 60)
    call = Call.objects.create(
        call_id=CALL_ID, agent="Ana Pires", caller="+442079460000", queue="broadband",
        media="audio/x-mulaw;rate=8000", opened_at=begin,
    )  # fmt: skip
    _store_packets(call, begin)
    _store_findings(call, chance, now)
    _store_events(call, begin)
    Call.objects.filter(pk=call.pk).update(
        state=CallState.ARCHIVED, ended_at=begin + timedelta(seconds=DURATION_S),
        end_reason=Call.EndReason.REQUESTED, state_changed_at=now,
    )  # fmt: skip
    return Call.objects.get(pk=call.pk)


def _store_packets(call: Call, begin: datetime) -> None:
    last = round(DURATION_S / PACKET_S)
    numbers = [number for number in range(1, last + 1) if number % GAP_EVERY]
    stream = Stream.objects.create(
        call=call, media=call.media, packet_count=len(numbers), first_sequence=1,
        last_sequence=numbers[-1], late_count=1, reordered_count=len(numbers) // 50,
    )  # fmt: skip
    Call.objects.filter(pk=call.pk).update(
        packet_count=stream.packet_count, last_sequence=stream.last_sequence,
        missing_count=stream.missing_count, late_count=1,
        last_packet_at=begin + timedelta(seconds=DURATION_S),
    )  # fmt: skip
    packets = (
        Packet(
            stream=stream, sequence=number, track=("inbound", "outbound")[number % 2],
            timestamp=number * PACKET_S, late=number == last - 1, data="/" * 216,
            # The next two packets overtake every fiftieth one.
            received_at=begin + timedelta(seconds=(number + 2.5 * (number % 50 == 0)) * PACKET_S),
        )
        for number in numbers
    )  # fmt: skip
    while some := list(islice(packets, BATCH)):
        Packet.objects.bulk_create(some)


def _store_findings(call: Call, chance: np.random.Generator, now: datetime) -> None:
    turns = list(_turns(chance))
    scores = np.clip(np.cumsum(chance.normal(0, 0.6, TURNS)) % 10 - 5, -5, 5).round(1)
    moods = [Sentiment(label_for(float(score)), float(score)) for score in scores]
    made = {"provider": "bench", "model": "bench"}
    said = [turn_as_json(turn) for turn in turns]
    transcript = Transcript.objects.create(
        call=call, version=1, duration_ms=DURATION_S * 1000, turns=said, speech={},
        provenance=made, created_at=now,
    )  # fmt: skip
    judged = [
        {**turn, "sentiment": mood.label, "score": mood.score}
        for turn, mood in zip(said, moods, strict=True)
    ]
    secret = turns[20]
    Analysis.objects.create(
        call=call, transcript=transcript, version=1, turns=judged,
        summary="A slow line is looked at.", keywords=["router", "discount"],
        insights={"next_step": "An engineer comes on Monday."},
        metrics=measure(turns, moods, {}, DURATION_S * 1000).as_json(),
        redactions=[{"turn": 20, "kind": "CARD", "begin_ms": secret.begin_ms,
                     "end_ms": secret.end_ms}],
        provenance=made, created_at=now,
    )  # fmt: skip
    for number, stage in enumerate(("transcribe", "understand")):
        Attempt.objects.create(
            call=call, round=0, stage=stage, number=1, provider="bench", lease_token=1,
            outcome=Attempt.Outcome.SUCCEEDED, started_at=now - timedelta(seconds=9 - number),
            finished_at=now,
        )  # fmt: skip
    _store_audio(call, turns, chance, now)


def _turns(chance: np.random.Generator) -> Iterator[Turn]:
    room = DURATION_S * 1000 // TURNS
    for number in range(TURNS):
        begin = number * room
        spoken = [str(chance.choice(VOCABULARY)) for _ in range(WORDS_PER_TURN)]
        step = (room - 400) // WORDS_PER_TURN
        words = tuple(
            Word(begin + at * step, begin + at * step + step - 40, text)
            for at, text in enumerate(spoken)
        )
        text = " ".join(spoken)
        yield Turn(SPEAKERS[number % 2], begin, words[-1].end_ms, text, words)


def _store_audio(call: Call, turns: list[Turn], chance: np.random.Generator, now: datetime) -> None:
    channels = []
    for speaker in SPEAKERS:
        samples = np.zeros(DURATION_S * RATE, np.int16)
        for turn in (one for one in turns if one.speaker == speaker):
            for word in turn.words:
                span = slice(*(_at(ms) for ms in (word.begin_ms, word.end_ms)))
                loud = chance.uniform(1500, 9000)
                samples[span] = chance.normal(0, loud / 3, span.stop - span.start)
        channels.append(Channel(speaker, samples, RATE))
    stored = keep_audio(call, CallAudio(tuple(channels)))
    if stored is None:
        raise RuntimeError("The recording was not stored.")
    # Nothing is muted in the file, because muting does not affect the page.
    Recording.objects.create(
        call=call, version=1, duration_ms=stored.duration_ms, file=stored.name, size=stored.size,
        sha256=stored.sha256, redacted_file=stored.name, redacted_size=stored.size,
        redacted_sha256=stored.sha256, created_at=now,
    )  # fmt: skip


def _at(ms: int) -> int:
    return ms * RATE // 1000


def _store_events(call: Call, begin: datetime) -> None:
    event = partial(CallEvent, call=call, state=CallState.IN_PROGRESS)
    last = round(DURATION_S / PACKET_S)
    CallEvent.objects.bulk_create(
        event(
            type="gap_detected", at=begin + timedelta(seconds=gap * PACKET_S),
            data={"stream": "", "expected": gap, "received": gap + 1},
        )
        for gap in range(GAP_EVERY, last, GAP_EVERY)
    )  # fmt: skip
