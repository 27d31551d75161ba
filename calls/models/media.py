"""The streams of a call, their packets, ranges of pruned packets, and the sockets of carriers."""

from django.db import models
from django.utils import timezone

from calls.models.call import Call

SEVERAL_TRACKS = "*"  # ``Stream.track`` of a run that holds several tracks
# A stream that begins with a higher number did not lose its first packets: many senders begin
# anywhere. Below it, the packets from 1 are missing.
COUNTED_FROM_ONE = 100


def origin_of(first: int, run: int) -> int:
    """Return the number with which a run began, as far as its first stored packet shows.

    The first run begins with 0 or 1. A later run begins with its first packet.
    """
    return min(first, 1) if run == 1 and first < COUNTED_FROM_ONE else first


def count_missing(first: int | None, last: int | None, stored: int, run: int = 1) -> int:
    """Return how many packets of a run are missing."""
    if first is None or last is None:
        return 0
    return max(0, last - origin_of(first, run) + 1 - stored)


class Stream(models.Model):
    """One run of a media stream of a call: the packets of one numbering.

    A sender that restarts its numbering, or wraps it around, opens another run of the same
    name. A reconnecting carrier opens a stream with another name.
    """

    # What the API and the admin show of a stream, in this order.
    SHOWN = (
        "name",
        "run",
        "media",
        "opened_at",
        "packet_count",
        "first_sequence",
        "last_sequence",
        "missing_count",
        "late_count",
        "duplicate_count",
        "reordered_count",
        "frame_count",
        "missing_frames",
        "repeated_frames",
        "reordered_frames",
        "malformed_frames",
    )

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="streams")
    name = models.CharField(max_length=128, blank=True, default="")
    run = models.PositiveSmallIntegerField(default=1, db_default=1)
    media = models.CharField(max_length=100, blank=True, default="")
    opened_at = models.DateTimeField(default=timezone.now)
    packet_count = models.PositiveBigIntegerField(default=0)
    first_sequence = models.BigIntegerField(null=True)
    last_sequence = models.BigIntegerField(null=True)
    late_count = models.PositiveBigIntegerField(default=0)
    duplicate_count = models.PositiveBigIntegerField(default=0)
    reordered_count = models.PositiveBigIntegerField(default=0)

    # What distinguishes the runs of a stream: the track of all packets, or SEVERAL_TRACKS, and the
    # range of the sender's clock, which is null if packets arrived before it was recorded.
    track = models.CharField(
        max_length=64, blank=True, default=SEVERAL_TRACKS, db_default=SEVERAL_TRACKS
    )
    earliest = models.FloatField(null=True)
    latest = models.FloatField(null=True)

    # A packet from a carrier contains many frames. These counters are about frames.
    frame_count = models.PositiveBigIntegerField(default=0)
    missing_frames = models.PositiveBigIntegerField(default=0)
    repeated_frames = models.PositiveBigIntegerField(default=0)
    reordered_frames = models.PositiveBigIntegerField(default=0)
    malformed_frames = models.PositiveBigIntegerField(default=0)
    # How often a carrier restarted its numbering within the socket. The sender of other packets
    # opens another run instead.
    restarts = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["call", "name", "run"], name="one_stream_per_run")
        ]

    def __str__(self) -> str:
        name = self.name or "(unnamed)"
        return name if self.run == 1 else f"{name}, run {self.run}"

    @property
    def missing_count(self) -> int:
        return count_missing(self.first_sequence, self.last_sequence, self.packet_count, self.run)

    @property
    def origin(self) -> int:
        """The number with which the run began, whether or not that packet has arrived."""
        return origin_of(self.first_sequence or 0, self.run)


class Packet(models.Model):
    """One packet as received. ``data`` is text or base64 audio; the sender sets ``timestamp``."""

    stream = models.ForeignKey(
        Stream, on_delete=models.CASCADE, related_name="packets", db_index=False
    )
    sequence = models.BigIntegerField()
    track = models.CharField(max_length=64, blank=True, default="")
    timestamp = models.FloatField()
    received_at = models.DateTimeField()
    late = models.BooleanField(default=False)
    data = models.TextField(blank=True)

    class Meta:
        constraints = [
            # The only index besides the key, because every packet pays for each of them.
            models.UniqueConstraint(fields=["stream", "sequence"], name="one_packet_per_sequence")
        ]

    def __str__(self) -> str:
        return f"packet {self.sequence}"


class PrunedRange(models.Model):
    """A range of sequences, first to last, whose packets were stored and then pruned.

    A packet in this range whose time is in the run's range as well is a duplicate, although the
    row with which to compare it is gone.
    """

    stream = models.ForeignKey(
        Stream, on_delete=models.CASCADE, related_name="pruned", db_index=False
    )
    first_sequence = models.BigIntegerField()
    last_sequence = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stream", "first_sequence"], name="one_range_per_begin")
        ]

    def __str__(self) -> str:
        return f"{self.first_sequence} to {self.last_sequence}"


class MediaConnection(models.Model):
    """A carrier's socket that is open, or whose end still decides when its call ends.

    An open one is a lease of its web process, which renews it. A process that dies leaves leases
    that expire. ``alive_until`` is the end of the lease, or the time at which the socket ended.
    """

    class Ended(models.TextChoices):
        STOPPED = "stopped", "Stopped by the carrier"
        BROKEN = "broken", "Broke off"

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="connections")
    stream = models.OneToOneField(Stream, on_delete=models.CASCADE, related_name="connection")
    # What the carrier calls the stream. ``stream.name`` differs if that was taken.
    name = models.CharField(max_length=128)
    owner = models.CharField(max_length=100)  # the web process
    opened_at = models.DateTimeField()
    alive_until = models.DateTimeField()
    ended = models.CharField(max_length=8, blank=True, default="", choices=Ended.choices)

    def __str__(self) -> str:
        return self.name
