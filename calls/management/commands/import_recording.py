"""``manage.py import_recording``: makes finished calls of recordings, and has them analysed."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rest_framework import serializers

from calls import services
from calls.api.serializers.calls import DescriptionSerializer
from calls.description import DESCRIBED
from calls.ingest.call_ids import as_call_id, as_external_id
from calls.ingest.record import record_packets
from calls.ingest.recordings import Sound, UnreadableRecording, read_sound
from calls.lifecycle import CallState
from calls.models import Call, Packet

OPTIONS = ("agent", "caller", "callee", "queue", "direction", "language")
PACKETS_AT_ONCE = 100


class Command(BaseCommand):
    help = (
        "Make a finished call of each recording, and have it analysed. WAV files with one or two "
        "channels of 16-bit, A-law or mu-law samples are stored as they are. MP3, Opus and others "
        "are converted if PyAV is installed (requirements-speech.txt). In stereo, the agent is on "
        "the left; if it is the other way round, swap the speakers on the page of the call."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
        parser.add_argument("--call-id", help="of the only file; otherwise its name without suffix")
        known = {each.name: each for each in DESCRIBED}
        for name in OPTIONS:
            parser.add_argument(f"--{name}", default="", help=f"{known[name].label} of the calls")
        parser.add_argument("--track", default="", help="who is heard in mono: agent or customer")

    def handle(self, *args: Any, **options: Any) -> None:
        files: list[Path] = options["files"]
        if options["call_id"] and len(files) > 1:
            raise CommandError("--call-id names one call. Leave it out, or give one file.")
        described = _described(options)
        refused = []
        for file in files:
            try:
                self._import(file, options["call_id"] or file.stem, described, options["track"])
            except CommandError as error:
                refused.append(str(error))
        if refused:
            raise CommandError("\n".join(refused))

    def _import(self, file: Path, given: str, described: dict[str, Any], track: str) -> None:
        call_id = as_call_id(given)
        if not call_id:
            raise CommandError(f"{given!r} is not a call id: it is reserved or a placeholder.")
        sound = _read(file)
        _check_free(file, call_id, sound, track)
        about = {**described, "media": sound.media, "external_id": as_external_id(given)}
        services.start_call(call_id=call_id, **about)
        packets = sound.packets(call_id, track=track)
        while some := list(islice(packets, PACKETS_AT_ONCE)):
            record_packets(some)
        services.end_call(call_id=call_id, by="manage.py")
        self.stdout.write(f"{call_id}: {_length(sound)} of sound. It is waiting for its analysis.")


def _check_free(file: Path, call_id: str, sound: Sound, track: str) -> None:
    """Refuse the id of a call that has ended, or that somebody else is sending."""
    call = Call.objects.filter(call_id=call_id).first()
    if call is None:
        return
    if call.state != CallState.IN_PROGRESS:
        raise CommandError(f"{file}: there is a call {call_id} that has ended.")
    # What an interrupted import has left begins with its first packet, or has none yet.
    mine = next(sound.packets(call_id, track=track))
    found = Packet.objects.filter(stream__call=call).order_by("sequence").first()
    is_mine = found is None or (found.data, found.track) == (mine.data, mine.track)
    if call.media != sound.media or not is_mine:
        raise CommandError(
            f"{file}: call {call_id} is live. Its sound does not come from this file."
        )


def _described(options: dict[str, Any]) -> dict[str, Any]:
    given = {name: options[name] for name in OPTIONS if options[name]}
    serializer = DescriptionSerializer(data=given)
    try:
        serializer.is_valid(raise_exception=True)
    except serializers.ValidationError as error:
        texts = (f"--{name}: {' '.join(map(str, found))}" for name, found in error.detail.items())  # type: ignore[union-attr]
        raise CommandError("\n".join(texts)) from error
    return dict(serializer.validated_data)


def _read(file: Path) -> Sound:
    try:
        return read_sound(file)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
    except UnreadableRecording as error:
        raise CommandError(f"{file}: {error}") from error


def _length(sound: Sound) -> str:
    minutes, seconds = divmod(round(sound.seconds), 60)
    return f"{minutes}:{seconds:02}"
