"""The audio of a live call: its streams and channels, from packets to utterances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from calls.analysis.live.audio.channel import LiveChannel, LiveUtterance, Position
from calls.analysis.live.audio.stream import Anchor, LiveStream, Piece
from calls.analysis.media.packets import PacketRow
from calls.conversation import Speaker

_WARM_UP_S = 12.0  # repeated for a worker that continues a call, to prepare its detectors


class LiveCall:
    """``add`` the packets of a call, in any order. ``utterances`` yields what has been said.

    Speakers are those of the site's track map. ``detector`` makes the voice detection of a channel;
    tests bring their own. ``positions`` is what ``positions()`` of another object returned: this
    one continues there.
    """

    def __init__(
        self,
        *,
        default_media: str = "",
        speakers: Mapping[str, Speaker],
        detector: Any = None,
        positions: Mapping[str, Any] | None = None,
    ) -> None:
        self._default_media = default_media
        self._speakers = speakers
        self._detector = detector
        self._streams: dict[str, LiveStream] = {}
        self._offsets_ms: dict[str, int] = {}
        self._channels: dict[str, LiveChannel] = {}
        self._track_of: dict[str, tuple[str, str]] = {}  # the stream and track of a channel
        known = positions or {}
        self._anchors: Mapping[str, Any] = known.get("streams", {})
        self._known = {name: Position(**each) for name, each in known.get("channels", {}).items()}
        self._numbers: dict[str, int] = dict(known.get("numbers", {}))

    def open_stream(self, name: str, *, offset_ms: int) -> None:
        """Say when a stream started in the call. Its packets may come after that."""
        anchors = {track: Anchor(*each) for track, each in self._anchors.get(name, {}).items()}
        if name not in self._streams:
            self._streams[name] = LiveStream(
                default_media=self._default_media, speakers=self._speakers, anchors=anchors
            )
            self._offsets_ms[name] = offset_ms

    def add(self, rows: Sequence[PacketRow], now: float) -> None:
        """Add packets of open streams. Their ``stream`` is the name with which it was opened."""
        for row in rows:
            self._streams[row.stream].add([row], now)

    def utterances(self, now: float, *, all_of_it: bool = False) -> Iterator[LiveUtterance]:
        """Yield the utterances that have ended; with ``all_of_it``, also those in progress."""
        for name, stream in self._streams.items():
            for piece in stream.take(now, all_of_it=all_of_it):
                yield from self._channel(name, piece).feed(piece.samples)
        if all_of_it:
            for channel in self._channels.values():
                yield from channel.finish()

    def ending(self) -> Iterator[LiveUtterance]:
        """Yield the utterances that have probably ended."""
        for channel in self._channels.values():
            if (utterance := channel.ending()) is not None:
                yield utterance

    @property
    def received_ms(self) -> int:
        """The time in the call up to which there is audio."""
        return max((each.received_ms for each in self._channels.values()), default=0)

    @property
    def settled_ms(self) -> int:
        """The time in the call before which nothing more will be found in the audio so far."""
        now_ms = self.received_ms
        going_on = [
            each.settled_ms
            for each in self._channels.values()
            if each.received_ms > now_ms - 5_000  # the others have stopped
        ]
        return min(going_on, default=0)

    def positions(self, pending: Mapping[str, Position]) -> dict[str, Any]:
        """Return where to continue, as JSON. ``pending`` holds, for each channel, the position
        before its first utterance that is not stored yet.
        """
        channels = {
            **self._known,
            **{name: pending.get(name, each.position) for name, each in self._channels.items()},
        }
        streams = {
            stream: {track: _numbers(anchor) for track, anchor in live.anchors(before).items()}
            for stream, live in self._streams.items()
            if (before := self._warm_up(stream, channels))
        }
        return {
            "streams": {**self._anchors, **streams},
            "channels": {name: asdict(position) for name, position in channels.items()},
            # For a worker that does not continue there, but must not use a number again.
            "numbers": {
                **self._numbers, **{name: each.number for name, each in channels.items()}
            },
        }  # fmt: skip

    def _warm_up(self, stream: str, positions: Mapping[str, Position]) -> dict[str, int]:
        """Return for each track of a stream the sample at which to begin again."""
        before: dict[str, int] = {}
        for name, channel in self._channels.items():
            of_stream, track = self._track_of[name]
            if of_stream == stream:
                sample = positions[name].settled - round(_WARM_UP_S * channel.rate)
                before[track] = min(sample, before.get(track, sample))
        return before

    def _channel(self, stream: str, piece: Piece) -> LiveChannel:
        name = f"{stream}/{piece.track}/{piece.side}"
        if name not in self._channels:
            self._track_of[name] = stream, piece.track
            offset_ms = self._offsets_ms[stream] + round(piece.offset_s * 1000)
            self._channels[name] = LiveChannel(
                name=name,
                speaker=piece.speaker,
                rate=piece.rate,
                position=self._known.get(name)
                or Position(0, 0, self._numbers.get(name, 0), offset_ms),
                at=piece.at,
                detector=self._detector() if self._detector else None,
            )
        return self._channels[name]


def _numbers(anchor: Anchor) -> list[int]:
    return [anchor.sequence, anchor.begin, anchor.end]
