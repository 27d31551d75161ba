"""Calls in every state, made the way the product makes them."""

from itertools import count

from calls import services
from calls.analysis.claims import claim_due
from calls.analysis.providers import ProviderError
from calls.conversation import Sentiment, Transcription, Understanding
from calls.ingest.packets import IncomingPacket
from calls.ingest.record import record_packets
from calls.models import Attempt, Call, Stage
from calls.tests import one_call

_numbers = count(1)
SILENCE = "f39/f3" * 36
DIALOGUE = [
    ("agent", "Good morning, how can I help you?"),
    ("customer", "I am angry, my line has been dead for three days."),
    ("agent", "I am sorry. I will send a technician today."),
    ("customer", "Thank you, that is wonderful."),
]


def packet(call_id, sequence, data="words", **fields):
    return IncomingPacket(
        call_id=call_id,
        sequence=sequence,
        data=data,
        **{"timestamp": float(sequence), "track": "customer", **fields},
    )


def live_call(call_id=None):
    """A call in progress that has said DIALOGUE."""
    call_id = call_id or f"call-{next(_numbers)}"
    record_packets(
        [
            packet(call_id, at, words, track=track, timestamp=at * 5.0)
            for at, (track, words) in enumerate(DIALOGUE, 1)
        ]
    )
    return Call.objects.get(call_id=call_id)


def fetch(call):
    """Return the call as it is stored now."""
    return Call.objects.get(pk=call.pk)


def ended_call(call_id=None):
    return services.end_call(call_id=live_call(call_id).call_id)


def spoken_call(call_id=None):
    """A call that is over, of 20 ms of silence that is declared to be audio."""
    call_id = call_id or f"call-{next(_numbers)}"
    record_packets([packet(call_id, 1, SILENCE, media="audio/x-mulaw;rate=8000")])
    return services.end_call(call_id=call_id)


class FakeProvider:
    """Answers at once, or raises the errors it was given, one for each call of ``understand``."""

    name = "fake"

    def __init__(self, errors=()):
        self.errors = list(errors)
        self.asked = 0

    async def transcribe(self, audio, *, language):
        raise AssertionError("text calls are not transcribed")

    async def understand(self, turns, *, language):
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        moods = tuple(Sentiment("NEUTRAL", 0.0) for _ in turns)
        return Understanding(moods, summary="A call.", keywords=("line",), model="fake-1")


class SpokenProvider(FakeProvider):
    """Returns the same words for any audio."""

    async def transcribe(self, audio, *, language):
        return Transcription((), speech={}, duration_ms=audio.duration_ms, model="fake-1")


def outage(**fields):
    return ProviderError("503 Service Unavailable", code="503", transient=True, **fields)


def refusal():
    return ProviderError("401 Unauthorized", code="401", transient=False)


def claim_all(owner="worker-1", *, limit=10, provider="fake", **options):
    """Claim the calls that are due."""
    taken = claim_due(owner=owner, limit=limit, provider=provider, **options)
    return [lease for lease, _ in taken]


def claim(owner="worker-1"):
    """Claim the one call that is due."""
    (lease,) = claim_all(owner)
    return lease


def attempt(lease, stage=Stage.TRANSCRIBE):
    """Return the attempt that the claim began, or begin the one at the next stage."""
    running = Attempt.objects.filter(call=lease.call_pk, stage=stage, outcome="running").first()
    return running or one_call.start_attempt(lease, stage=stage, provider="fake")


TRANSCRIPT = {
    "duration_ms": 20_000,
    "turns": [{"speaker": "agent", "begin_ms": 0, "end_ms": 900, "text": "Hello.", "words": []}],
    "speech": {},
}
ANALYSIS = {
    "turns": [{**TRANSCRIPT["turns"][0], "sentiment": "NEUTRAL", "score": 0.0}],
    "summary": "A call.",
    "metrics": {},
}


def archived_call(call_id=None):
    call = ended_call(call_id)
    lease = claim()
    transcript = one_call.save_transcript(lease, attempt(lease), **TRANSCRIPT)
    tried = attempt(lease, Stage.UNDERSTAND)
    headline = {"customer_sentiment": "NEUTRAL"}
    one_call.archive(lease, tried, transcript=transcript, headline=headline, **ANALYSIS)
    return Call.objects.get(pk=call.pk)


def failed_call(call_id=None):
    call = ended_call(call_id)
    lease = claim()
    one_call.fail_attempt(lease, attempt(lease), refusal())
    return Call.objects.get(pk=call.pk)
