"""The carrier's side of a media stream, and the call that it becomes."""

import base64
import json

import numpy as np
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator

from calls.analysis.media.g711 import MULAW
from calls.analysis.recording.material import load_material
from calls.api.routing import websocket_urlpatterns
from calls.models import Call, Packet, Stream
from calls.simulation.scripts import DEMO_CALLS

FRAME = 160
SID = "MZ18ad3ab5a668481ce02b83e7395059f0"
TWILIO_START = {
    "event": "start",
    "sequenceNumber": "1",
    "streamSid": SID,
    "start": {
        "accountSid": "AC00000000000000000000000000000000",
        "streamSid": SID,
        "callSid": "CA5a1ebd8dcc0ff4c2a2ea3fcbbdf3a1c4",
        "tracks": ["inbound", "outbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"agent": "ana", "queue": "billing"},
    },
}
CALL_ID = TWILIO_START["start"]["callSid"]
JAMBONZ = {"callSid": "jam-1", "sampleRate": 8000, "mixType": "stereo", "from": "+1", "to": "+2"}
ASTERISK = {
    "event": "MEDIA_START",
    "connection_id": "e226e283-c90a-4ea9-9e37-389000b9ef47",
    "channel": "WebSocket/connectionid",
    "channel_id": "pbx1-123456789.999",
    "format": "ulaw",
    "optimal_frame_size": 160,
    "ptime": 20,
    "channel_variables": {"CALL_ID": "abc"},
}


def codes():
    """Two seconds of a recording as mu-law bytes, agent and customer."""
    content = (DEMO_CALLS / "lost-card.wav").read_bytes()
    at = content.index(b"data") + 8
    both = np.frombuffer(content[at : at + 2 * 8000 * 6], np.uint8).reshape(-1, 2)
    return both[8000 * 4 :]


class Carrier(WebsocketCommunicator):
    def __init__(self, path="/v1/media", headers=(), subprotocols=None):
        super().__init__(URLRouter(websocket_urlpatterns), path, list(headers), subprotocols)

    async def say(self, message):
        await self.send_to(text_data=message if isinstance(message, str) else json.dumps(message))

    async def close_code(self):
        message = await self.receive_output(timeout=10)
        assert message["type"] == "websocket.close"
        return message["code"]


async def connect(**options):
    carrier = Carrier(**options)
    assert (await carrier.connect())[0]
    return carrier


def media(number, track, chunk, payload, stamp_ms):
    return {
        "event": "media",
        "sequenceNumber": str(number),
        "streamSid": SID,
        "media": {
            "track": track,
            "chunk": str(chunk),
            "timestamp": str(stamp_ms),
            "payload": base64.b64encode(payload).decode(),
        },
    }


def twilio_frames(audio):
    """Messages of both tracks as Twilio sends them: outbound is the agent."""
    number, messages = 1, []
    for chunk, at in enumerate(range(0, len(audio), FRAME), 1):
        for track, channel in (("inbound", 1), ("outbound", 0)):
            number += 1
            frame = audio[at : at + FRAME, channel].tobytes()
            messages.append(media(number, track, chunk, frame, (chunk - 1) * 20))
    return messages


@database_sync_to_async
def call_of(call_id):
    return Call.objects.get(call_id=call_id)


@database_sync_to_async
def audio_of(call_id):
    """Return the int16 samples of a call by speaker."""
    material = load_material(Call.objects.get(call_id=call_id))
    return {channel.speaker: channel.samples for channel in material.channels}


@database_sync_to_async
def stream_of(call_id):
    return Stream.objects.get(call__call_id=call_id)


@database_sync_to_async
def packets_of(call_id):
    """Return track and data of the packets of a call, in order."""
    packets = Packet.objects.filter(stream__call__call_id=call_id).order_by("sequence")
    return list(packets.values_list("track", "data"))


def assert_same_audio(found, codes_):
    for speaker, channel in (("agent", 0), ("customer", 1)):
        expected = MULAW[codes_[:, channel]]
        assert np.array_equal(found[speaker][: len(expected)], expected)


async def play_twilio(messages, start=TWILIO_START, **options):
    carrier = await connect(**options)
    await carrier.say({"event": "connected", "protocol": "Call", "version": "1.0.0"})
    await carrier.say(start)
    for message in messages:
        await carrier.say(message)
    numbers = [int(m["sequenceNumber"]) for m in messages if "sequenceNumber" in m]
    await carrier.say({"event": "stop", "sequenceNumber": max(numbers) + 1, "streamSid": SID})
    assert await carrier.close_code() == 1000
    return carrier
