"""Writes entries of the audit log, in the transaction of what they are about."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from calls.audit.actors import Actor, Kind, current_request, find_actor
from calls.audit.pseudonyms import pseudonym
from calls.models import AuditAction, AuditEntry

# Playing a recording once causes many requests, because a player fetches it in parts.
ONE_LOOK = timedelta(hours=1)
NAME_LENGTH = 100
# The types of events that are actions of somebody, and what the audit log calls them.
ACTIONS = {
    "call_dismissed": AuditAction.DISMISS,
    "call_deleted": AuditAction.DELETE,
    "tag_added": AuditAction.TAG,
    "tag_removed": AuditAction.UNTAG,
    "note_added": AuditAction.NOTE,
    "note_deleted": AuditAction.UNNOTE,
    "speakers_swapped": AuditAction.SWAP,
    "format_corrected": AuditAction.DECODE,
    "alert_acknowledged": AuditAction.ACKNOWLEDGE,
    "alert_assigned": AuditAction.ASSIGN,
    "alert_snoozed": AuditAction.SNOOZE,
    "alert_reopened": AuditAction.REOPEN,
    "analysis_paused": AuditAction.PAUSE,
    "analysis_resumed": AuditAction.RESUME,
    "listening_started": AuditAction.LISTENING_STARTED,
    "listening_ended": AuditAction.LISTENING_ENDED,
    "action_link_used": AuditAction.ACTION_LINK_USED,
}
# By the reason of a state change. A retry by a swap or a decoding has an event of its own.
MOVES = {
    "operator": AuditAction.END,
    "requested": AuditAction.END,
    "retried": AuditAction.RETRY,
    "reanalysed": AuditAction.REANALYSE,
}
OBJECTS = {"alert": "alert", "note": "note", "session": "listening session"}
# Fields of events that hold nothing of a call. Names of tags and notes may hold anything.
KEPT = ("reason", "to", "until", "media", "swapped", "seconds")


def record_audit(
    action: str,
    *,
    call_id: str = "",
    object_kind: str = "",
    object_id: object = "",
    details: dict[str, Any] | None = None,
    actor: Actor | None = None,
) -> AuditEntry:
    """Add an entry. Call inside the transaction of the change.

    Without ``actor``, it is whoever sent the request. Put no words of a call into ``details``, and
    no names or numbers of customers.
    """
    entry = _entry(
        action,
        actor or find_actor(),
        call_id=call_id,
        object_kind=object_kind[:32],
        object_id=str(object_id)[:64],
        details=details or {},
        at=timezone.now(),
    )
    entry.save()
    return entry


def record_change(
    action: str, row: Any, fields: Iterable[str] = (), *, actor: Actor | None = None
) -> None:
    """Add an entry about something that somebody set up, such as a key or a rule, or a person.

    Of ``fields``, only the names are kept: their values may be secrets.
    """
    details: dict[str, Any] = {"name": str(row)[:NAME_LENGTH]}
    if fields:
        details["fields"] = sorted(fields)
    record_audit(
        action,
        object_kind=str(row._meta.verbose_name),  # noqa: SLF001 (public despite its name)
        object_id=row.pk,
        details=details,
        actor=actor,
    )


def record_look(action: str, *, call_id: str, **details: Any) -> None:
    """Add an entry about access to a call, unless the actor had the same within the last hour."""
    actor = find_actor()
    recent = AuditEntry.objects.filter(
        call_id=call_id, action=action, actor=actor.name[:150], actor_kind=actor.kind,
        at__gte=timezone.now() - ONE_LOOK,
    )  # fmt: skip
    if all(entry.details != details for entry in recent):
        record_audit(action, call_id=call_id, details=details, actor=actor)


def record_export(file: str, *, call_id: str = "", **details: Any) -> None:
    """Add an entry about data that leaves as a file. Only the names of filters are kept."""
    details = {"file": file, "filters": _filters(current_request()), **details}
    record_audit(AuditAction.EXPORT, call_id=call_id, details=details)


def _filters(request: HttpRequest | None) -> list[str]:
    given = request.GET.items() if request else ()
    # PostgreSQL cannot store a NUL, which anybody may write into an address.
    return sorted(name[:50] for name, value in given if value and name.isprintable())[:50]


def record_events(entries: Iterable[tuple[Any, Any]], *, at: datetime) -> None:
    """Add entries for the events that are actions of somebody."""
    found = [
        entry
        for call, payload in entries
        if payload.type in ACTIONS or payload.type == "state_change"
        if (entry := _entry_of(call, payload, at=at)) is not None
    ]
    if found:
        AuditEntry.objects.bulk_create(found)


def _entry_of(call: Any, payload: Any, *, at: datetime) -> AuditEntry | None:
    fields = vars(payload)
    action = ACTIONS.get(payload.type) or MOVES.get(fields["reason"])
    by = fields.get("by", "")
    if action is None:
        return None
    actor = _actor_of(payload.type, by)
    if _is_routine(actor, payload.type, fields):
        return None
    kind = next((name for name in OBJECTS if name in fields), "")
    return _entry(
        action,
        actor,
        at=at,
        call_id=call.call_id or fields.get("deleted", ""),
        object_kind=OBJECTS.get(kind, ""),
        object_id=str(fields[kind]) if kind else "",
        details={name: fields[name] for name in KEPT if fields.get(name) not in (None, "")},
    )


def _actor_of(event: str, by: str) -> Actor:
    actor = find_actor(by)
    # Only people listen, and the worker may be the one that records their end.
    if event.startswith("listening") and actor.kind != Kind.PERSON:
        return Actor(Kind.PERSON, by)
    return actor


def _is_routine(actor: Actor, event: str, fields: dict[str, Any]) -> bool:
    """Whether nobody decided this: a sender ended its call, or it happened automatically."""
    if event == "state_change" and fields["reason"] == "requested":
        return actor.kind != Kind.PERSON
    is_automatic = actor.kind == Kind.SYSTEM and event != "call_deleted"
    # A snoozed alert opens again automatically.
    return is_automatic or (event == "alert_reopened" and not fields["by"])


def _entry(action: str, actor: Actor, *, call_id: str, **fields: Any) -> AuditEntry:
    return AuditEntry(
        action=action,
        actor_kind=actor.kind,
        actor=actor.name[:150],
        address=actor.address[:64],
        call_id=call_id,
        call_digest=pseudonym(call_id),
        **fields,
    )
