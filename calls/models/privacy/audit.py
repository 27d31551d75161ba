"""The audit log: who did what, and who looked at what. Entries are never changed."""

from __future__ import annotations

from typing import Any, Never, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from calls.models.call import CALL_ID_LENGTH
from calls.models.fields import JSONField


class AppendOnly(Exception):
    """Somebody tried to change or remove an entry of the audit log."""

    def __init__(self) -> None:
        super().__init__("Entries of the audit log cannot be changed or removed.")


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    def sealed(self) -> Self:
        return self.exclude(sequence=None)

    def unsealed(self) -> Self:
        return self.filter(sequence=None)

    def looks(self) -> Self:
        """Entries about who looked at or listened to something, or took it away."""
        return self.filter(action__in=LOOKS)

    def update(self, **values: Any) -> Never:
        raise AppendOnly

    def delete(self) -> Never:
        raise AppendOnly

    def seal(self, pk: int, *, sequence: int, digest: str) -> None:
        """Give an entry its place in the chain. The database refuses to do so twice."""
        one = self._plain().filter(pk=pk, sequence=None)
        one.update(sequence=sequence, digest=digest)

    def forget_calls(self, call_ids: list[str]) -> int:
        """Remove the ids of erased calls. Their digests stay, and the chain with them."""
        # SQLite takes the index only for a query that repeats its condition.
        rows = self._plain().filter(call_id__in=call_ids).exclude(call_id="")
        return rows.update(call_id="")

    def forget_digests(self, digests: list[str]) -> int:
        """Do so for calls of which only the digest is known."""
        rows = self._plain().filter(call_digest__in=digests).exclude(call_id="")
        return rows.update(call_id="")

    def cut(self, *, up_to: int) -> int:
        """Remove the oldest entries. The database refuses any that AuditCut does not cover."""
        rows: Any = self._plain().filter(sequence__lte=up_to)
        return int(rows._raw_delete(self.db) or 0)  # noqa: SLF001 (nothing refers to entries)

    def _plain(self) -> models.QuerySet[AuditEntry]:
        return models.QuerySet(AuditEntry, using=self.db)


class AuditEntry(models.Model):
    """One action, or one access to something personal.

    ``call_digest`` is a keyed digest of the id of the call. It stays when the call is erased;
    ``call_id`` does not. ``sequence`` and ``digest`` chain the entries: the worker sets them
    within seconds. ``details`` never hold words of a call, nor names or numbers of customers.
    """

    class ActorKind(models.TextChoices):
        PERSON = "person", "Person"
        KEY = "key", "API key"
        DISPLAY = "display", "Display"
        COMMAND = "command", "Command"
        SYSTEM = "system", "This system"
        ANYONE = "anyone", "Nobody known"

    at = models.DateTimeField(default=timezone.now)
    actor_kind = models.CharField(max_length=8, choices=ActorKind.choices)
    actor = models.CharField(max_length=150, blank=True, default="")
    address = models.CharField(max_length=64, blank=True, default="")
    action = models.CharField(max_length=32)
    object_kind = models.CharField(max_length=32, blank=True, default="")
    object_id = models.CharField(max_length=64, blank=True, default="")
    call_id = models.CharField(max_length=CALL_ID_LENGTH, blank=True, default="")
    call_digest = models.CharField(max_length=64, blank=True, default="")
    details = JSONField(default=dict)
    sequence = models.BigIntegerField(null=True, unique=True)
    digest = models.CharField(max_length=64, blank=True, default="")

    objects = AuditQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "audit entries"
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["call_id", "-id"], condition=~Q(call_id=""), name="audit_by_call"),
            models.Index(fields=["actor", "-id"], name="audit_by_actor"),
            models.Index(fields=["action", "-id"], name="audit_by_action"),
            models.Index(fields=["at"], name="audit_by_time"),
            # For the worker, which asks every second whether there is anything to seal.
            models.Index(fields=["id"], condition=Q(sequence=None), name="audit_unsealed"),
        ]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor or self.get_actor_kind_display()}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Never:
        raise AppendOnly

    @property
    def action_label(self) -> str:
        return str(dict(AuditAction.choices).get(self.action, self.action))


class AuditCut(models.Model):
    """Up to where retention has removed the log, and the digest with which the rest begins."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    sequence = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"up to entry {self.sequence}"


class AuditAction(models.TextChoices):
    """What entries can be about. Names are stored: never rename one."""

    PLAYBACK = "playback", "Played a recording"
    UNREDACTED = "unredacted", "Read a text with personal data"
    EXPORT = "export", "Exported data"
    LISTENING_STARTED = "listening_started", "Began to listen to a live call"
    LISTENING_ENDED = "listening_ended", "Stopped listening to a live call"
    ACTION_LINK_USED = "action_link_used", "Joined a call by the action link"
    END = "end", "Ended a call"
    RETRY = "retry", "Retried the analysis"
    DISMISS = "dismiss", "Dismissed a failed call"
    REANALYSE = "reanalyse", "Analysed a call again"
    SWAP = "swap", "Swapped the speakers"
    DECODE = "decode", "Changed the format of the packets"
    DELETE = "delete", "Deleted a call"
    TAG = "tag", "Added a tag"
    UNTAG = "untag", "Removed a tag"
    NOTE = "note", "Wrote a note"
    UNNOTE = "unnote", "Deleted a note"
    ACKNOWLEDGE = "acknowledge", "Acknowledged an alert"
    ASSIGN = "assign", "Assigned an alert"
    SNOOZE = "snooze", "Snoozed an alert"
    REOPEN = "reopen", "Reopened an alert"
    BULK = "bulk", "Started a bulk action"
    BULK_STOP = "bulk_stop", "Stopped a bulk action"
    PAUSE = "pause", "Paused the analysis"
    RESUME = "resume", "Resumed the analysis"
    SIGN_IN = "sign_in", "Logged in"
    SIGN_OUT = "sign_out", "Logged out"
    SIGN_IN_FAILED = "sign_in_failed", "Failed to log in"
    LOCKED_OUT = "locked_out", "Was locked out"
    PASSWORD = "password", "Changed a password"
    FACTOR_ON = "factor_on", "Set up a second factor"
    FACTOR_OFF = "factor_off", "Removed a second factor"
    FACTOR_CODES = "factor_codes", "Made new recovery codes"
    ADD = "add", "Added a record"
    CHANGE = "change", "Changed a record"
    REMOVE = "remove", "Deleted a record"
    RUN = "run", "Ran an action in the admin"
    HOLD = "hold", "Set a legal hold"
    RELEASE = "release", "Released a legal hold"
    ERASE = "erase", "Erased personal data"


LOOKS = (
    AuditAction.PLAYBACK,
    AuditAction.UNREDACTED,
    AuditAction.EXPORT,
    AuditAction.LISTENING_STARTED,
    AuditAction.LISTENING_ENDED,
    AuditAction.ACTION_LINK_USED,
)
