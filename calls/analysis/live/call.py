"""A live call that is being heard: its streams and channels, from packets to utterances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from calls.analysis.live.audio import LiveStream, Piece
from calls.analysis.live.channel import LiveChannel, LiveUtterance
from calls.analysis.media.packets import PacketRow
from calls.conversation import SPEAKERS, Speaker


class LiveCall:
    """``add`` the packets of a call, in any order. ``utterances`` yields what has been said.

    ``swapped`` exchanges agent and customer. ``detector`` makes the voice detection of a channel;
    tests bring their own.
    """

    def __init__(
        self,
        *,
        default_media: str = "",
        speakers: Mapping[str, Speaker],
        swapped: bool = False,
        detector: Any = None,
    ) -> None:
        self._default_media = default_media
        self._speakers = speakers
        self._swapped = swapped
        self._detector = detector
        self._streams: dict[str, LiveStream] = {}
        self._offsets_ms: dict[str, int] = {}
        self._channels: dict[tuple[str, str, Speaker], LiveChannel] = {}

    def open_stream(self, name: str, *, offset_ms: int) -> None:
        """Say when a stream started in the call. Its packets may come after that."""
        if name not in self._streams:
            self._streams[name] = LiveStream(
                default_media=self._default_media, speakers=self._speakers
            )
            self._offsets_ms[name] = offset_ms

    def add(self, rows: Sequence[PacketRow], now: float) -> None:
        for row in rows:
            self._streams[row.stream].add([row], now)

    def utterances(self, now: float, *, all_of_it: bool = False) -> Iterator[LiveUtterance]:
        """Yield the utterances that have ended; with ``all_of_it``, also those that go on."""
        for name, stream in self._streams.items():
            for piece in stream.take(now, all_of_it=all_of_it):
                yield from self._channel(name, piece).feed(piece.samples)
        if all_of_it:
            for channel in self._channels.values():
                yield from channel.finish()

    def _channel(self, stream: str, piece: Piece) -> LiveChannel:
        key = stream, piece.track, piece.speaker
        if key not in self._channels:
            self._channels[key] = LiveChannel(
                stream=stream,
                track=piece.track,
                speaker=self._turned(piece.speaker),
                rate=piece.rate,
                offset_ms=self._offsets_ms[stream] + round(piece.at * 1000 / piece.rate),
                detector=self._detector() if self._detector else None,
            )
        return self._channels[key]

    def _turned(self, speaker: Speaker) -> Speaker:
        if not self._swapped:
            return speaker
        return SPEAKERS[1 - SPEAKERS.index(speaker)]
