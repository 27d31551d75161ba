"""The real model transcribes a recorded call live."""

import base64

import pytest

from calls.analysis.live.listener import Listener
from calls.ingest.packets import IncomingPacket
from calls.models import LiveUtterance
from calls.simulation.scripts import DEMO_CALLS
from calls.tests.analysis.live.listening import listen_until, receive

pytestmark = [pytest.mark.django_db, pytest.mark.speech]


def test_a_recorded_call_is_transcribed_live(settings):
    settings.AI_PROVIDER = "local"
    data = (DEMO_CALLS / "lost-card.wav").read_bytes()
    body = data[data.index(b"data") + 8 :][: 20 * 16_000]
    media = "audio/x-mulaw;rate=8000;channels=2"
    receive(
        *(
            IncomingPacket(
                call_id="c-1", sequence=at // 1600 + 1, timestamp=at / 16_000, media=media,
                data=base64.b64encode(body[at : at + 1600]).decode(),
            )
            for at in range(0, len(body), 1600)
        )
    )  # fmt: skip
    listener = Listener(owner="one")

    listen_until(listener, lambda: LiveUtterance.objects.count() >= 3)

    heard = " ".join(LiveUtterance.objects.order_by("begin_ms").values_list("text", flat=True))
    assert {each.speaker for each in LiveUtterance.objects.all()} == {"agent", "customer"}
    assert "card" in heard.lower()
