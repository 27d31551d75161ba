"""Calls: the parties, the state, the packet counters and the progress of the analysis."""

from datetime import datetime, timedelta
from typing import Any, Self

from django.core.validators import RegexValidator
from django.db import connection, models
from django.db.models import Count, Exists, ExpressionWrapper, F, Max, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.functional import cached_property

from calls.formats.language import name_of
from calls.lifecycle import CallLifecycle, CallState

CALL_ID_LENGTH = 128
CALL_ID_PATTERN = r"[A-Za-z0-9._:@+-]{1,128}"
CALL_ID_RULE = "1 to 128 of letters, digits and . _ : @ + -"
# These mean something else in an address: /v1/call/stream/... is where packets go.
RESERVED_CALL_IDS = frozenset({"stream", ".", ".."})
# At four bytes a character, this still fits into an index of PostgreSQL.
EXTERNAL_ID_LENGTH = 512


class Stage(models.TextChoices):
    TRANSCRIBE = "transcribe"
    UNDERSTAND = "understand"


# The length of the sound of a call, or else the time from its opening to its end. NULL while live.
LASTED = Coalesce(
    F("duration"), ExpressionWrapper(F("ended_at") - F("opened_at"), models.DurationField())
)


class CallQuerySet(models.QuerySet["Call"]):
    def live(self) -> Self:
        return self.filter(state=CallState.IN_PROGRESS)

    def idle(self, *, before: datetime) -> Self:
        """Live calls without a packet since ``before``."""
        silent = Q(last_packet_at__lt=before)
        # In SQL, a comparison with NULL is never true, so these need a condition of their own.
        never_spoke = Q(last_packet_at=None, opened_at__lt=before)
        return self.live().filter(silent | never_spoke)

    def due(self, *, now: datetime, within: timedelta = timedelta(0)) -> Self:
        """Calls without a lease that are due now, or will be due ``within`` that time."""
        waiting = Q(state__in=(CallState.COMPLETED, CallState.PROCESSING_AI))
        ready = Q(next_attempt_at=None) | Q(next_attempt_at__lte=now + within)
        free = Q(lease_expires_at=None) | Q(lease_expires_at__lte=now)
        # An expired lease is free: its worker is dead, or has been cut off from the database.
        return self.filter(waiting & ready & free)

    def retryable(self, *, before: datetime, rounds: int) -> Self:
        """Failed calls, unchanged since ``before``, and not yet retried ``rounds`` times."""
        return self.dead().filter(state_changed_at__lt=before, automatic_retries__lt=rounds)

    def with_late_packets(self, *, quiet_since: datetime, waiting_since: datetime) -> Self:
        """Archived calls with packets that no round has read, once no more of them come.

        A call that never gets quiet has its turn if it has been ``waiting_since``.
        """
        is_quiet = Q(last_packet_at__lte=quiet_since) | Q(late_since__lte=waiting_since)
        return self.filter(is_quiet, state=CallState.ARCHIVED, late_since__isnull=False)

    def lock_if_free(self, pk: int) -> "Call | None":
        """Lock one of these calls, unless it is held: one call must not delay all others.

        Call inside a transaction. SQLite has no locks on rows.
        """
        skip = connection.features.has_select_for_update_skip_locked
        return self.select_for_update(skip_locked=skip).filter(pk=pk).first()

    def dead(self) -> Self:
        """Failed calls that need attention, which excludes dismissed ones."""
        return self.filter(state=CallState.FAILED, dismissed_at=None)

    def spoken(self) -> Self:
        """Calls known to be audio, which is large, slow to process, and needs an AI.

        Most calls declare their media. One that does not must be audio if its transcription has
        failed, because a text call never reaches the AI for that.
        """
        declared = _rows_of_call("streams").filter(media__istartswith="audio")
        in_vain = _rows_of_call("attempts").filter(
            stage=Stage.TRANSCRIBE, outcome__in=("failed", "snoozed")
        )
        corrected = Q(media_override__istartswith="audio")
        return self.filter(
            Q(media__istartswith="audio") | corrected | Exists(declared) | Exists(in_vain)
        )

    def with_sound_trouble(self, kind: str = "") -> Self:
        """Calls whose sound has trouble of this kind, or of any kind."""
        troubled = self.exclude(sound_troubles="")
        return troubled.filter(sound_troubles__contains=kind) if kind else troubled

    def alerting(self) -> Self:
        """Calls with an open alert."""
        return self.filter(pk__in=_related("alerts").open().values("call"))

    def tagged(self, name: str) -> Self:
        return self.filter(pk__in=_related("tags").filter(name=name).order_by().values("call"))

    def with_note_count(self) -> Self:
        """Add ``note_count``."""
        # A subquery for each count: with joins, notes would be counted once for each alert.
        by_call = _rows_of_call("notes").order_by().values("call")
        counted = by_call.annotate(n=Count("pk")).values("n")
        return self.annotate(note_count=Coalesce(Subquery(counted), 0))

    def with_open_alerts(self) -> Self:
        """Add ``open_alerts``, how many there are, and ``worst_alert``, a Severity or 0."""
        by_call = _rows_of_call("alerts").open().order_by().values("call")
        counted = by_call.annotate(n=Count("pk")).values("n")
        worst = by_call.annotate(n=Max("severity")).values("n")
        return self.annotate(
            open_alerts=Coalesce(Subquery(counted), 0), worst_alert=Coalesce(Subquery(worst), 0)
        )


def _related(relation: str) -> Any:
    """Return the rows that point to calls, by the name of the reverse relation.

    Their models import this one, so the relation is the only way to them from here.
    """
    reverse: Any = getattr(Call, relation)
    return reverse.rel.related_model.objects.all()


def _values_of(call: Any) -> Any:
    return call.field_values.all()


def _rows_of_call(relation: str) -> Any:
    """Return those rows that point to the call of the outer query."""
    return _related(relation).filter(call=OuterRef("pk"))


class Call(CallLifecycle):
    """One call. The counters are totals over its streams; the write path maintains them."""

    class Direction(models.TextChoices):
        INBOUND = "inbound"
        OUTBOUND = "outbound"

    class EndReason(models.TextChoices):
        REQUESTED = "requested", "The telephone system said so"
        IDLE = "idle", "No packet for too long"
        OPERATOR = "operator", "A person said so"
        CONNECTION_LOST = "connection_lost", "The connection broke off and was not resumed"

    class Sentiment(models.TextChoices):
        POSITIVE = "POSITIVE", "Positive"
        NEUTRAL = "NEUTRAL", "Neutral"
        NEGATIVE = "NEGATIVE", "Negative"

    class SoundTrouble(models.TextChoices):
        """What is wrong with the sound of a call, the causes before what follows from them."""

        WRONG_CODEC = "wrong_codec", "Wrong codec"
        SILENT_SIDE = "silent_side", "Silent side"
        ONE_WAY = "one_way", "One-way audio"
        NO_SPEECH = "no_speech", "No speech recognised"
        TOO_QUIET = "too_quiet", "Too quiet"
        CLIPPING = "clipping", "Clipping"
        HEAVY_LOSS = "heavy_loss", "Heavy loss"

    class Trend(models.TextChoices):
        IMPROVING = "improving", "Improving"
        STEADY = "steady", "Steady"
        WORSENING = "worsening", "Worsening"

    call_id = models.CharField(
        max_length=128,
        unique=True,
        validators=[RegexValidator(rf"\A{CALL_ID_PATTERN}\Z", f"A call id is {CALL_ID_RULE}.")],
    )
    agent = models.CharField(max_length=200, blank=True, default="")
    caller = models.CharField(max_length=200, blank=True, default="")
    callee = models.CharField(max_length=200, blank=True, default="")
    queue = models.CharField(max_length=200, blank=True, default="")
    direction = models.CharField(max_length=8, blank=True, default="", choices=Direction.choices)
    media = models.CharField(max_length=100, blank=True, default="")
    language = models.CharField(max_length=16, blank=True, default="")
    # The sender's own id, where it cannot be the call id: a SIP Call-ID for instance.
    external_id = models.CharField(max_length=EXTERNAL_ID_LENGTH, blank=True, default="")
    # What a carrier's messages say that could not be read, and what was assumed instead.
    remarks = models.JSONField(blank=True, default=list, editable=False)
    # The request that opened the call, for its log lines and its trace (see calls/telemetry).
    request_id = models.CharField(
        max_length=64, blank=True, default="", db_default="", editable=False
    )
    traceparent = models.CharField(
        max_length=55, blank=True, default="", db_default="", editable=False
    )
    # The format in which a person wants the packets to be decoded; empty: as they were declared.
    media_override = models.CharField(max_length=100, blank=True, default="", editable=False)
    # A person found that the tracks are the reverse of the site's track map.
    speakers_swapped = models.BooleanField(default=False, editable=False)

    opened_at = models.DateTimeField(default=timezone.now, editable=False)
    last_packet_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    end_reason = models.CharField(max_length=16, blank=True, default="", choices=EndReason.choices)
    # The length of the sound, or of the words by their time stamps. NULL until it is transcribed.
    duration = models.DurationField(null=True, editable=False)
    state_changed_at = models.DateTimeField(default=timezone.now, editable=False)
    # Grows with each change of state, so that a client can distinguish old states from new ones.
    version = models.PositiveIntegerField(default=1, editable=False)
    # Since when there are late packets that no round of analysis has read, if they arrived in time.
    late_since = models.DateTimeField(null=True, editable=False)

    # Sums over the streams, so that lists need no join. No index may hold one of them.
    packet_count = models.PositiveBigIntegerField(default=0)
    last_sequence = models.BigIntegerField(null=True)
    missing_count = models.PositiveBigIntegerField(default=0)
    late_count = models.PositiveBigIntegerField(default=0)
    duplicate_count = models.PositiveBigIntegerField(default=0)

    # A claim is a lease. It expires unless its owner extends it. Each new lease has a higher
    # token, so that a write by a previous owner can be refused.
    lease_owner = models.CharField(max_length=100, blank=True, default="", editable=False)
    lease_token = models.PositiveBigIntegerField(default=0, editable=False)
    lease_expires_at = models.DateTimeField(null=True, editable=False)
    analysis_round = models.PositiveIntegerField(default=0, editable=False)
    # The stage at which the current round starts. A usable transcript is not made again.
    first_stage = models.CharField(
        max_length=16, choices=Stage.choices, default=Stage.TRANSCRIBE, editable=False
    )
    # Automatic retries since a person last asked for a round.
    automatic_retries = models.PositiveSmallIntegerField(default=0, editable=False)
    next_attempt_at = models.DateTimeField(null=True, editable=False)
    last_error = models.TextField(blank=True, default="")
    # Set when somebody decides that a failed call needs no analysis. A retry clears it.
    dismissed_at = models.DateTimeField(null=True, editable=False)

    # Copied from the newest analysis, so that lists filter and sort without a join.
    customer_sentiment = models.CharField(
        max_length=8, blank=True, default="", choices=Sentiment.choices
    )
    customer_trend = models.CharField(max_length=10, blank=True, default="", choices=Trend.choices)
    agent_sentiment = models.CharField(
        max_length=8, blank=True, default="", choices=Sentiment.choices
    )
    agent_trend = models.CharField(max_length=10, blank=True, default="", choices=Trend.choices)
    # The language of a side whose sentiment is not known, because the models do not know it.
    unjudged_language = models.CharField(max_length=16, blank=True, default="", editable=False)
    # The kinds of SoundTrouble in the newest transcript, separated by spaces. No kind is a part of
    # another one, so that a filter need not compare whole words.
    sound_troubles = models.CharField(max_length=200, blank=True, default="", editable=False)

    packets_pruned_at = models.DateTimeField(null=True, editable=False)
    # From here on the call is lost, though its rows go in portions: nobody can hold it any more.
    deleting_since = models.DateTimeField(null=True, editable=False)

    objects = CallQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("operate_call", "Can end, retry and reanalyse calls"),
            ("view_unredacted", "Can read transcripts with personal data in them"),
            ("listen_call", "Can listen to live calls"),
            ("view_all_calls", "Can see calls of all teams"),
            ("view_own_calls", "Can see own calls, as the agent of the account"),
            ("hold_call", "Can set and release legal holds"),
        ]
        # No packet changes any of these columns, so that PostgreSQL need not update an index when
        # a counter changes.
        indexes = [
            models.Index(fields=["state", "next_attempt_at"], name="call_by_state"),
            # For recently archived calls, which the figures query every second.
            models.Index(fields=["state", "state_changed_at"], name="call_by_state_since"),
            models.Index(fields=["queue", "-id"], name="call_by_queue"),
            models.Index(fields=["agent", "-id"], name="call_by_agent"),
            # For the other calls of a customer, who calls or is called.
            models.Index(fields=["caller", "-id"], condition=~Q(caller=""), name="call_by_caller"),
            models.Index(fields=["callee", "-id"], condition=~Q(callee=""), name="call_by_callee"),
            models.Index(
                fields=["external_id"],
                condition=~Q(external_id=""),
                opclasses=["text_pattern_ops"],  # for the start of an id as well
                name="call_by_external_id",
            ),
            # For lists by age and by day.
            models.Index(fields=["-opened_at", "-id"], name="call_by_opening"),
            # For retention, once a minute. Its cost must not grow with the archive.
            models.Index(fields=["ended_at"], name="call_by_end"),
            models.Index(
                fields=["state_changed_at"],
                condition=Q(packets_pruned_at=None),
                name="call_with_packets",
            ),
            # Few calls have any: for the filter, and for the figures of each kind.
            models.Index(
                fields=["-id", "sound_troubles"],
                condition=~Q(sound_troubles=""),
                name="call_with_sound_trouble",
            ),
            models.Index(
                fields=["late_since"],
                condition=Q(late_since__isnull=False),
                name="call_with_late_packets",
            ),
        ]

    def __str__(self) -> str:
        return self.call_id

    # The legal hold that keeps the call, in lists that looked it up with calls.holds.
    kept_by: Any = None

    @cached_property
    def own_hold(self) -> Any:
        """The legal hold on this very call, or None."""
        return self.holds.filter(released_at=None).first()

    @property
    def is_live(self) -> bool:
        return bool(self.state == CallState.IN_PROGRESS)

    @property
    def sound_trouble_kinds(self) -> list[str]:
        return self.sound_troubles.split()

    @property
    def sound_trouble_labels(self) -> list[str]:
        """What is wrong with the sound, in words."""
        labels = dict(self.SoundTrouble.choices)
        return [str(labels.get(kind, kind)) for kind in self.sound_trouble_kinds]

    @property
    def why_not_judged(self) -> str:
        """Why a side has no sentiment, if that is because of its language."""
        if not self.unjudged_language:
            return ""
        return f"not known: this site judges English only ({name_of(self.unjudged_language)})"

    @property
    def duration_ms(self) -> int | None:
        return None if self.duration is None else round(self.duration.total_seconds() * 1000)

    @property
    def received_within(self) -> timedelta | None:
        """The time from the opening of the call to its end; None while it is live."""
        return self.ended_at - self.opened_at if self.ended_at else None

    def lasted_s(self, now: datetime) -> float:
        """Return the length of the sound if it is known, or else of the time until the end."""
        return (self.duration or self.received_within or now - self.opened_at).total_seconds()

    @property
    def custom(self) -> dict[str, str]:
        """The values of custom fields by name. For many calls, prefetch ``field_values``."""
        return {each.field_id: each.value for each in _values_of(self)}

    @property
    def is_over(self) -> bool:
        return self.state in (CallState.ARCHIVED, CallState.FAILED)
