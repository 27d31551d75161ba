"""Reads the stored packets of a call as if they arrived now, and stores the utterances."""

from asgiref.sync import async_to_sync
from django.utils import timezone

from calls.analysis.live.audio.call import LiveCall
from calls.analysis.live.reuse.known import fingerprint_fields
from calls.analysis.media.packets import PacketRow, speaker_map
from calls.conversation import CallAudio, Channel
from calls.models import LiveTranscription, LiveUtterance, Packet


def rows_of(call):
    """The packets of a call in order."""
    packets = Packet.objects.filter(stream__call=call).order_by("stream_id", "sequence")
    return [
        PacketRow(p.stream.name, p.track, p.sequence, p.timestamp, p.data, p.stream.media)
        for p in packets.select_related("stream")
    ]


def hear(rows, *, default_media, detector=None, per_s=100):
    """The utterances of packets that arrive in this order."""
    live = LiveCall(default_media=default_media, speakers=speaker_map({}), detector=detector)
    for name in dict.fromkeys(row.stream for row in rows):
        live.open_stream(name, offset_ms=0)
    for at in range(0, len(rows), 300):
        live.add(rows[at : at + 300], at / per_s)
        yield from live.utterances(at / per_s)
    yield from live.utterances(1e9, all_of_it=True)


def recognise(utterance, provider, *, language="en"):
    """The text and words of an utterance."""
    audio = CallAudio((Channel(utterance.speaker, utterance.samples, utterance.rate),))
    heard = async_to_sync(provider.transcribe)(audio, language=language)
    begin_ms = utterance.begin_ms
    words = [
        [word.begin_ms + begin_ms, word.end_ms + begin_ms, word.text]
        for turn in heard.turns
        for word in turn.words
    ]
    return " ".join(text for _, _, text in words), words


def rows_for(utterances, provider, *, language="en"):
    """The rows that a listener would store of these utterances, not saved."""
    for each in utterances:
        text, words = recognise(each, provider, language=language)
        yield LiveUtterance(
            channel=each.channel, number=each.before.number, revision=1, speaker=each.speaker,
            begin_ms=each.begin_ms, end_ms=each.end_ms, text=text, words=words,
            heard_at=timezone.now(), **fingerprint_fields(each),
        )  # fmt: skip


def store(call, rows, provider, *, language="en"):
    """Store the live words of a call, as a listener does."""
    LiveTranscription.objects.create(
        call=call, model=provider.speech_model, language=language, revision=1
    )
    for row in rows:
        row.call = call
    LiveUtterance.objects.bulk_create(rows)
