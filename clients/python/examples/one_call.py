"""Sends a call of a few sentences, ends it, waits for its transcript, and prints it.

    CALLCENTER_URL=https://calls.example.com CALLCENTER_KEY=cc_... python one_call.py

The key needs the scopes ``ingest`` and ``read``.
"""

from __future__ import annotations

import os
import sys
from uuid import uuid4

import httpx
from callcenter_client import AuthenticatedClient
from callcenter_client.api.ingest import end_call, send_batch, start_call
from callcenter_client.api.results import get_transcript
from callcenter_client.models import DescriptionRequest, PacketRequest, Transcript

WAIT_S = 60
SAID = [
    ("agent", "Good morning, this is Ana. How can I help?"),
    ("customer", "You charged me twice for March. I am really angry."),
    ("agent", "I am sorry about that. I will refund the second payment today."),
    ("customer", "Thank you, that is great."),
]


def main() -> None:
    client = AuthenticatedClient(
        base_url=os.environ["CALLCENTER_URL"],
        token=os.environ["CALLCENTER_KEY"],
        # Waiting for a transcript takes longer than other requests.
        timeout=httpx.Timeout(10, read=WAIT_S + 10),
    )
    call_id = f"example-{uuid4()}"
    with client:
        start_call.sync(call_id, client=client, body=DescriptionRequest(agent="Ana"))
        send_batch.sync(call_id, client=client, body=packets())
        end_call.sync(call_id, client=client)
        answer = get_transcript.sync(call_id, client=client, wait=WAIT_S)
    if not isinstance(answer, Transcript):
        sys.exit(f"There is no transcript: {answer}")
    for turn in answer.turns:
        print(f"{turn.speaker:>8} {turn.sentiment or '':>8}  {turn.text}")


def packets() -> list[PacketRequest]:
    return [
        PacketRequest(sequence=number, timestamp=number * 4.0, track=track, data=words)
        for number, (track, words) in enumerate(SAID)
    ]


if __name__ == "__main__":
    main()
