"""Takes the recorded calls from packets to results, and prints them as one JSON line.

`python -m benchmarks.speech.spoken_calls LOSS` runs in its own process, because Django's settings
name one database. LOSS is the share of packets that are lost. Above 0, packets are also shuffled
and repeated, as in the demo.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING, Any

import django
import msgspec

from calls.simulation.line import Rates, deliver
from calls.simulation.scripts import load_recording, recording_slugs

if TYPE_CHECKING:
    from calls.models import Call

BATCH = 50  # packets in one transaction
SHUFFLE = DUPLICATES = 0.05
SEED = 5


def record(slug: str, rates: Rates) -> Call:
    """Store the 20 ms packets of a recording in order of arrival, and end the call ``slug``."""
    from calls import services
    from calls.ingest.packets import IncomingPacket
    from calls.ingest.record import record_packets

    script = load_recording(slug)
    services.start_call(call_id=slug, **msgspec.structs.asdict(script.opening))
    rng = Random(f"{SEED} {slug}")
    arrived = deliver(script.packets, rng, rates).packets
    for begin in range(0, len(arrived), BATCH):
        record_packets(
            [
                IncomingPacket(
                    call_id=slug,
                    sequence=packet.sequence,
                    data=packet.data,
                    timestamp=packet.timestamp,
                )
                for packet in arrived[begin : begin + BATCH]
            ]
        )
    return services.end_call(call_id=slug)


def rates_for(loss: float) -> Rates:
    return Rates(loss, DUPLICATES, SHUFFLE) if loss else Rates()


def documents(slugs: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    from calls.models import Call

    for slug in slugs:
        yield result_of(Call.objects.get(call_id=slug))


def result_of(call: Call) -> dict[str, Any]:
    """Return the transcript document of a call, with the turns before redaction."""
    from calls.analysis.results import transcript_document

    shown = transcript_document(call)
    heard = transcript_document(call, redacted=False)
    if shown is None or heard is None:
        raise RuntimeError(f"{call.call_id} was not transcribed.")
    return {**shown, "heard": heard["turns"]}


def main(loss: float) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callcenter.settings")
    django.setup()
    from calls.analysis.providers.registry import get_provider
    from calls.analysis.runner import Runner

    for slug in recording_slugs():
        record(slug, rates_for(loss))
    begin = time.monotonic()
    asyncio.run(Runner(get_provider(), linger_s=0).run())
    spent_s = time.monotonic() - begin
    found = list(documents(recording_slugs()))
    sys.stdout.write(json.dumps({"spent_s": spent_s, "documents": found}))


if __name__ == "__main__":
    main(float(sys.argv[1]))
