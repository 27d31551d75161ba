"""What is known of a live call: its live transcript, and who watches and listens."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models

from calls.models.call import Call


class LiveTranscription(models.Model):
    """The live transcription of one call, leased by the worker process that transcribes it.

    Each new lease has a higher token, so that a write by a previous owner can be refused. All
    changes of a call's utterances are written under the lock of this row and get the next
    ``revision``, so they become visible in that order: a reader that knows revision 7 asks for
    everything above 7 and misses nothing.
    """

    call = models.OneToOneField(
        Call, on_delete=models.CASCADE, primary_key=True, related_name="live"
    )
    owner = models.CharField(max_length=100, blank=True, default="")
    token = models.PositiveBigIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True)
    revision = models.PositiveBigIntegerField(default=0)
    # The speech model and the language. The final transcript takes over the words of the same ones.
    model = models.CharField(max_length=200, blank=True, default="")
    language = models.CharField(max_length=16, blank=True, default="")
    # How far each channel has been transcribed, so that another worker can continue from there.
    positions = models.JSONField(default=dict)
    # Milliseconds from the start of the call up to which words are known. NULL before the first.
    heard_until_ms = models.PositiveBigIntegerField(null=True)
    # How far the words are behind the audio that was received.
    behind_s = models.FloatField(default=0)
    # Spans [begin_ms, end_ms] that were not transcribed live, because the worker had no time.
    skipped = models.JSONField(default=list)
    # What is being said, by speaker, in an utterance that has not ended. Without personal data.
    partial = models.JSONField(default=dict)
    # Sentiment, talk time, interruptions and silence so far.
    figures = models.JSONField(default=dict)
    # The last words that may be shown, for lists.
    last_speaker = models.CharField(max_length=8, blank=True, default="")
    last_words = models.CharField(max_length=300, blank=True, default="")
    changed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"live transcription of {self.call_id}"


class LiveUtterance(models.Model):
    """One utterance of a live call: speech of one channel between two pauses.

    ``text`` and ``words`` are as recognised and may contain personal data, like a Transcript.
    ``shown`` is what people may see: NULL while it is held back because it may still turn out to be
    personal. An utterance in which no words were recognised has an empty ``text``.

    The last five fields find its samples in the finished recording: their number and CRC-32,
    ``needle`` (16-bit little-endian samples from ``needle_at`` on), and the CRC-32 of the samples
    between the previous utterance of the channel and this one.
    """

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="live_utterances")
    # The stream, run, track and side within the track. Empty for text.
    channel = models.CharField(max_length=250)
    # Counts the utterances of a channel from 0. For text: the key of the packet and the part of it.
    number = models.PositiveBigIntegerField()
    revision = models.PositiveBigIntegerField()
    # By the site's track map. Readers exchange the sides if the call's speakers are swapped.
    speaker = models.CharField(max_length=8)
    begin_ms = models.PositiveBigIntegerField()
    end_ms = models.PositiveBigIntegerField()
    text = models.TextField(blank=True)
    words = models.JSONField(default=list)
    shown = models.TextField(null=True)  # noqa: DJ001 (NULL and empty differ)
    sentiment = models.CharField(
        max_length=8, blank=True, default="", choices=Call.Sentiment.choices
    )
    score = models.FloatField(null=True)
    heard_at = models.DateTimeField()
    # Recognised alone, by a model that makes fewer errors if it gets the speech around it as well.
    provisional = models.BooleanField(default=False)

    rate = models.PositiveIntegerField(default=0)
    length = models.PositiveBigIntegerField(default=0)
    checksum = models.PositiveBigIntegerField(default=0)
    needle_at = models.PositiveBigIntegerField(default=0)
    needle = models.BinaryField(default=bytes)
    gap_checksum = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["call", "channel", "number"], name="one_live_utterance_per_number"
            )
        ]
        indexes = [models.Index(fields=["call", "revision"], name="live_utterance_by_revision")]

    def __str__(self) -> str:
        return f"{self.speaker} at {self.begin_ms} ms"


class ListenerReport(models.Model):
    """The state of one listener process. It counts utterances since it started.

    ``waiting`` calls are transcribed by no process. ``behind_s`` is the largest of its calls.
    """

    process = models.CharField(max_length=100, primary_key=True)
    seen_at = models.DateTimeField()
    calls = models.PositiveIntegerField(default=0)
    waiting = models.PositiveIntegerField(default=0)
    behind_s = models.FloatField(default=0)
    heard = models.PositiveBigIntegerField(default=0)
    skipped = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return self.process


class CallViewing(models.Model):
    """The clients of one web process that have a call open. The process renews ``alive_until``."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="viewings")
    process = models.CharField(max_length=100)
    viewers = models.PositiveIntegerField(default=1)
    alive_until = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["call", "process"], name="one_viewing_per_process")
        ]

    def __str__(self) -> str:
        return f"{self.viewers} in {self.process}"


class ListenSessionQuerySet(models.QuerySet["ListenSession"]):
    def active(self, *, now: datetime) -> Self:
        return self.filter(ended_at=None, alive_until__gte=now)


class ListenSession(models.Model):
    """Somebody listened to a live call. The web process renews ``alive_until`` meanwhile.

    If the process dies, the session ended at ``alive_until`` at the latest.
    """

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="listen_sessions")
    username = models.CharField(max_length=150)
    process = models.CharField(max_length=100)
    started_at = models.DateTimeField()
    alive_until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    objects = ListenSessionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            # Workers ask every second which of them have expired.
            models.Index(
                fields=["alive_until"],
                condition=models.Q(ended_at=None),
                name="open_listen_session",
            )
        ]

    def __str__(self) -> str:
        return f"{self.username} from {self.started_at:%Y-%m-%d %H:%M:%S}"
