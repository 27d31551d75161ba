"""Carriers' messages as their documentation shows them, one dialect each, for any audio.

The examples are those of the vendors' pages on media streams: Twilio, Telnyx, Plivo, Exotel,
Voximplant and SignalWire for JSON; jambonz, FreeSWITCH, Vonage, Asterisk and AWS Live Call
Analytics for a preamble and raw audio.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from calls.analysis.media.g711 import ALAW, MULAW
from calls.analysis.media.packets import PacketRow
from calls.ingest.carriers import Start
from calls.ingest.carriers.detect import AnyParser
from calls.ingest.carriers.session import Identity, Session

BOTH = ("outbound", "inbound")  # agent, customer
SID = "MZ18ad3ab5a668481ce02b83e7395059f0"


@dataclass(frozen=True)
class Dialect:
    """How one carrier says it. ``frame`` gets number, chunk, milliseconds, track and base64."""

    name: str
    opening: Sequence[dict | str]
    call_id: str
    codec: str = "mulaw"
    rate: int = 8000
    tracks: Sequence[str] = BOTH  # of JSON messages; a stereo preamble has one track of both
    stereo: bool = False
    frame: Callable[[int, int, int, str, str], dict] | None = None
    closing: Callable[[int], dict] | None = None
    frame_ms: int = 20
    first_number: int = 2
    description: dict = field(default_factory=dict)
    stream: str = ""

    def __str__(self):
        return self.name

    def messages(self, speech):
        """Return what the carrier sends for int16 speech of shape (samples, 2) at its rate."""
        size = self.rate * self.frame_ms // 1000
        told = [*self.opening]
        number = self.first_number
        for chunk, at in enumerate(range(0, len(speech), size)):
            piece = speech[at : at + size]
            if self.frame is None:
                told.append(self._raw(piece))
                continue
            for track in self.tracks:
                payload = base64.b64encode(encode(self._channel(piece, track), self.codec))
                stamp = chunk * self.frame_ms
                told.append(self.frame(number, chunk + 1, stamp, track, payload.decode()))
                number += 1
        return [*told, self.closing(number)] if self.closing else told

    def _raw(self, piece):
        return encode(piece.reshape(-1) if self.stereo else mixed(piece), self.codec)

    def _channel(self, piece, track):
        return piece[:, BOTH.index(track)] if len(self.tracks) == 2 else mixed(piece)


def mixed(piece):
    return (piece.astype(np.int32).sum(axis=1) // 2).astype(np.int16)


def encode(samples, codec):
    """Return the bytes of int16 samples; G.711 by the nearest value of its table."""
    if codec.startswith("l16"):
        return samples.astype("<i2" if codec == "l16le" else ">i2").tobytes()
    return _nearest(codec)[samples.astype(np.int32) + 32768].tobytes()


@cache
def _nearest(codec):
    table = (MULAW if codec == "mulaw" else ALAW).astype(np.int32)
    order = np.argsort(table, kind="stable")
    values = table[order]
    middles = (values[1:] + values[:-1]) / 2
    return order[np.searchsorted(middles, np.arange(-32768, 32768))].astype(np.uint8)


def decoded(samples, codec):
    """Return what is left of samples after the codec."""
    if codec.startswith("l16"):
        return samples
    table = MULAW if codec == "mulaw" else ALAW
    return table[np.frombuffer(encode(samples, codec), np.uint8)]


@dataclass
class Heard:
    """What came out: the start, the packets, and the frame counters added up."""

    start: Start | None
    rows: list[PacketRow]
    counts: object
    stopped: bool


def hear(messages):
    """Put messages through parser and session, 20 ms of clock each, as a socket does."""
    parser, session, packets, now = AnyParser(), Session(row_age_s=1.5), [], 0.0
    for message in messages:
        now += 0.02
        found = parser.binary(message) if isinstance(message, bytes) else parser.text(message)
        for event in found:
            session.take(event, now)
            if isinstance(event, Start):
                session.begin(Identity(event.call_id, event.stream))
        packets += session.due(now)
    packets += session.finish(now)
    counts = [packet.frames for packet in packets if packet.frames is not None]
    return Heard(
        start=session.start,
        rows=[
            PacketRow(
                stream=packet.stream,
                track=packet.track,
                sequence=packet.sequence,
                timestamp=packet.timestamp,
                data=packet.data,
                media=packet.media,
            )
            for packet in packets
        ],
        counts=sum(counts[1:], counts[0]) if counts else None,
        stopped=session.stopped,
    )


def _twilio_frame(number, chunk, stamp, track, payload):
    return {
        "event": "media", "sequenceNumber": str(number), "streamSid": SID,
        "media": {"track": track, "chunk": str(chunk), "timestamp": str(stamp),
                  "payload": payload},
    }  # fmt: skip


def _twilio_stop(number):
    return {
        "event": "stop", "sequenceNumber": str(number), "streamSid": SID,
        "stop": {"accountSid": "AC00000000000000000000000000000000",
                 "callSid": "CA5a1ebd8dcc0ff4c2a2ea3fcbbdf3a1c4"},
    }  # fmt: skip


def twilio_like(name, encoding="audio/x-mulaw", **more):
    """Twilio; Talkdesk, SignalWire, Fonoster and Kazoo send the same."""
    start = {
        "event": "start", "sequenceNumber": "1", "streamSid": SID,
        "start": {
            "accountSid": "AC00000000000000000000000000000000",
            "streamSid": SID,
            "callSid": "CA5a1ebd8dcc0ff4c2a2ea3fcbbdf3a1c4",
            "tracks": ["inbound", "outbound"],
            "mediaFormat": {"encoding": encoding, "sampleRate": 8000, "channels": 1},
            "customParameters": {"agent": "ana", "from": "+13122010094"},
        },
    }  # fmt: skip
    return Dialect(
        name=name,
        opening=[{"event": "connected", "protocol": "Call", "version": "1.0.0"}, start],
        call_id="CA5a1ebd8dcc0ff4c2a2ea3fcbbdf3a1c4",
        stream=SID,
        frame=_twilio_frame,
        closing=_twilio_stop,
        description={"agent": "ana", "caller": "+13122010094"},
        **more,
    )


def telnyx(name="Telnyx", encoding="PCMU", **more):
    stream = "32DE0DEA-53CB-4B21-89A4-9E1819C043BC"
    rate = more.get("rate", 8000)
    return Dialect(
        name=name,
        opening=[
            {"event": "connected", "version": "1.0.0"},
            {"event": "start", "sequence_number": "1", "stream_id": stream,
             "start": {
                 "user_id": "3E6F995F-85F7-4705-9741-53B116D28237",
                 "call_control_id": "v2:T02llQxIyaRk", "tags": ["TAG1"],
                 "call_session_id": "ff55a038-6f5d-11ef-9692-02420aeffb1f",
                 "from": "+13122010094", "to": "+13122123456",
                 "client_state": "aGF2ZSBhIG5pY2UgZGF5ID1d",
                 "media_format": {"encoding": encoding, "sample_rate": rate, "channels": 1},
             }},
        ],
        call_id="v2:T02llQxIyaRk",
        stream=stream,
        frame=lambda number, chunk, stamp, track, payload: {
            "event": "media", "sequence_number": str(number), "stream_id": stream,
            "media": {"track": track, "chunk": str(chunk), "timestamp": str(stamp),
                      "payload": payload},
        },
        closing=lambda number: {
            "event": "stop", "sequence_number": str(number), "stream_id": stream,
            "stop": {"user_id": "3E6F995F", "call_control_id": "v2:T02llQxIyaRk"},
        },
        description={"caller": "+13122010094", "callee": "+13122123456"},
        **more,
    )  # fmt: skip


def plivo(name="Plivo", encoding="audio/x-mulaw", **more):
    stream = "87654321-4321-4321-4321-cba987654321"
    extra = "userId=12345;sessionId=abc-xyz"
    return Dialect(
        name=name,
        opening=[
            {"event": "start", "sequenceNumber": 1, "extra_headers": extra,
             "start": {"callId": "12345678-1234-1234-1234-123456789abc", "streamId": stream,
                       "accountId": "MAXX", "tracks": ["inbound"],
                       "mediaFormat": {"encoding": encoding,
                                       "sampleRate": more.get("rate", 8000)}}},
        ],
        call_id="12345678-1234-1234-1234-123456789abc",
        stream=stream,
        tracks=("inbound",),
        frame=lambda number, chunk, stamp, track, payload: {
            "event": "media", "sequenceNumber": number, "streamId": stream,
            "media": {"track": track, "timestamp": str(1_705_312_200_000 + stamp),
                      "chunk": chunk, "payload": payload},
            "extra_headers": extra,
        },
        **more,
    )  # fmt: skip


def exotel(name="Exotel", **media_format):
    """``media_format`` is what senders in the field write, where it differs from the guide."""
    return Dialect(
        name=name,
        opening=[
            {"event": "connected"},
            {"event": "start", "sequence_number": "1", "stream_sid": "MZx",
             "start": {"stream_sid": "MZx", "call_sid": "CAx", "account_sid": "ACx",
                       "from": "+919876543210", "to": "+918047491899",
                       "custom_parameters": {"queue": "billing"},
                       "media_format": media_format or {
                           "encoding": "audio/x-raw", "sample_rate": "8000", "bit_rate": "16"}}},
        ],
        call_id="CAx",
        stream="MZx",
        codec="l16le",
        tracks=("",),
        frame_ms=100,
        frame=lambda number, chunk, stamp, track, payload: {
            "event": "media", "sequence_number": str(number), "stream_sid": "MZx",
            "media": {"chunk": str(chunk), "timestamp": str(stamp), "payload": payload},
        },
        closing=lambda number: {
            "event": "stop", "sequence_number": str(number), "stream_sid": "MZx",
            "stop": {"call_sid": "CAx", "account_sid": "ACx", "reason": "callended"},
        },
        description={"caller": "+919876543210", "callee": "+918047491899", "queue": "billing"},
    )  # fmt: skip


def voximplant():
    return Dialect(
        name="Voximplant",
        opening=[
            {"event": "start", "sequenceNumber": 0, "start": {
                "tag": "vox-stream", "mediaFormat": {"encoding": "PCM16", "sampleRate": 16000},
                "customParameters": {"call_id": "vox-1", "agent": "ana"}}},
        ],
        call_id="vox-1",
        stream="vox-stream",
        codec="l16le",
        rate=16000,
        tracks=("",),
        first_number=1,
        frame=lambda number, chunk, stamp, track, payload: {
            "event": "media", "sequenceNumber": number,
            "media": {"tag": "vox-stream", "chunk": chunk, "timestamp": stamp,
                      "payload": payload},
        },
        closing=lambda number: {"event": "stop", "sequenceNumber": number},
        description={"agent": "ana"},
    )  # fmt: skip


def bandwidth():
    tracks = [
        {"name": name, "mediaFormat": {"encoding": "PCMU", "sampleRate": 8000}} for name in BOTH
    ]
    return Dialect(
        name="Bandwidth",
        opening=[
            {"eventType": "start", "streamParams": {"agent": "ana"}, "metadata": {
                "accountId": "5555555", "callId": "c-2a913f94-6a486f3a", "streamId": "s-2a913f94",
                "streamName": "live_audience", "tracks": tracks}},
        ],
        call_id="c-2a913f94-6a486f3a",
        stream="s-2a913f94",
        frame=lambda number, chunk, stamp, track, payload: {
            "eventType": "media", "track": track, "payload": payload,
        },
        closing=lambda number: {"eventType": "stop"},
        description={"agent": "ana"},
    )  # fmt: skip


def jambonz(rate=8000, mix="stereo"):
    return Dialect(
        name=f"jambonz {mix} at {rate}",
        opening=[
            {"sampleRate": rate, "mixType": mix, "callSid": "jam-1", "direction": "inbound",
             "from": "+13122010094", "to": "+13122123456", "callId": "sip-id", "sipStatus": 200,
             "callStatus": "in-progress", "accountSid": "acc", "agent": "ana"},
        ],
        call_id="jam-1",
        codec="l16le",
        rate=rate,
        stereo=mix == "stereo",
        description={"agent": "ana", "caller": "+13122010094", "callee": "+13122123456",
                     "direction": "inbound"},
    )  # fmt: skip


def preamble(name, opening, call_id, **more):
    return Dialect(name=name, opening=[opening], call_id=call_id, **{"codec": "l16le", **more})


ASTERISK = {
    "event": "MEDIA_START", "connection_id": "e226e283-c90a-4ea9-9e37-389000b9ef47",
    "channel": "WebSocket/connectionid", "channel_id": "pbx1-123456789.999", "format": "ulaw",
    "optimal_frame_size": 160, "ptime": 20, "channel_variables": {"CALL_ID": "abc"},
}  # fmt: skip
CONNECTION = "e226e283-c90a-4ea9-9e37-389000b9ef47"
ENVELOPES = [
    twilio_like("Twilio"),
    twilio_like("SignalWire, PCMU", "PCMU@8000h"),
    twilio_like("SignalWire, L16", "L16@16000h", codec="l16le", rate=16000),
    twilio_like("SignalWire, L16 at 24 kHz", "L16@24000h", codec="l16le", rate=24000),
    telnyx(),
    telnyx("Telnyx, older", "audio/x-mulaw"),
    telnyx("Telnyx, A-law", "PCMA", codec="alaw"),
    telnyx("Telnyx, L16", "L16", codec="l16be", rate=16000),
    plivo(),
    plivo("Plivo, L16", "audio/x-l16", codec="l16le", rate=16000),
    exotel(),
    exotel("Exotel, base64", encoding="base64", sample_rate="8000", bit_rate="128kbps"),
    exotel("Exotel, raw/slin", encoding="raw/slin", sample_rate="8000", bit_rate="128kbps"),
    exotel("Exotel, no encoding", sample_rate="8kHz"),
    twilio_like("Twilio-like, pcm_s16le", "pcm_s16le", codec="l16le"),
    twilio_like("Twilio-like, s16be", "s16be", codec="l16be"),
    voximplant(),
]
UNNUMBERED = [bandwidth()]  # neither numbers nor times: TCP keeps the order
PREAMBLES = [
    jambonz(),
    jambonz(16000, "mono"),
    jambonz(24000),
    jambonz(48000),
    preamble("mod_audio_fork", {"call_id": "fork-1", "sampleRate": "16k", "mixType": "stereo"},
             "fork-1", rate=16000, stereo=True),
    preamble("mod_audio_fork, metadata in words", "fork-2", "fork-2"),
    preamble("mod_audio_stream", {"call_id": "fs-1", "rate": "8k", "mix_type": "stereo"}, "fs-1",
             stereo=True),
    preamble("Vonage", {"event": "websocket:connected", "content-type": "audio/l16;rate=16000",
                        "call_id": "von-1", "agent": "ana"}, "von-1", rate=16000,
             description={"agent": "ana"}),
    preamble("Asterisk, JSON", ASTERISK, "abc", codec="mulaw", stream=CONNECTION),
    preamble("Asterisk, words", f"MEDIA_START connection_id:{CONNECTION} channel:WebSocket/c "
             "channel_id:pbx1-1 format:slin16 optimal_frame_size:640 ptime:20", "pbx1-1",
             rate=16000, stream=CONNECTION),
    preamble("Asterisk, A-law", {**ASTERISK, "format": "alaw"}, "abc", codec="alaw",
             stream=CONNECTION),
    preamble("AWS Live Call Analytics", {
        "callEvent": "START", "callId": "lca-1", "agentId": "ana", "fromNumber": "+13122010094",
        "toNumber": "+13122123456", "samplingRate": 8000, "shouldRecordCall": True}, "lca-1",
        stereo=True, description={"agent": "ana", "caller": "+13122010094",
                                  "callee": "+13122123456"}),
]  # fmt: skip
