"""What people do with alerts besides acknowledging them: take, assign, snooze and reopen them.

Each function is one transaction with its event in the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from calls import events
from calls.actions import ACTIONS
from calls.alerts.services import LOCK_MS, AlertNotFound, lock_alert
from calls.events.alerts import AlertAssigned, AlertReopened, AlertSnoozed
from calls.models import Alert
from calls.operation.lock_waits import leaving_locked, limit_lock_waits
from calls.visibility import may_see

LONGEST_SNOOZE = timedelta(days=7)
# Permissions come from the backend that knows groups. The other one only locks out.
_BACKEND = "django.contrib.auth.backends.ModelBackend"


class AlertClosed(Exception):
    """The alert is acknowledged or resolved, which does not allow it."""

    def __init__(self, alert: Alert, action: str) -> None:
        super().__init__(f"An alert that is {alert.state} cannot be {action}.")
        self.state = str(alert.state)


class CannotHandle(Exception):
    """Nobody who may handle alerts has this name."""


class AssignedMeanwhile(Exception):
    """Somebody else has the alert by now."""


class BadSnooze(Exception):
    """An alert cannot be snoozed until then."""


def handlers() -> QuerySet[User]:
    """The users to whom alerts can be assigned."""
    may_handle = User.objects.with_perm(ACTIONS["acknowledge"].permission, backend=_BACKEND)
    return may_handle.order_by("username")


def assign_alert(*, alert_id: int, to: str, by: str, instead_of: str | None = None) -> Alert:
    """Assign an alert to a user, or to nobody. ``instead_of`` is who was thought to have it.

    Raises AlertNotFound, AlertClosed, CannotHandle and AssignedMeanwhile.
    """
    if to and not handlers().filter(username=to).exists():
        raise CannotHandle(f"There is no active user {to} who may handle alerts.")
    with transaction.atomic():
        alert = lock_alert(alert_id)
        if to and not may_see(User.objects.get(username=to), alert.call):
            raise CannotHandle(f"{to} may not see this call.")
        _check_unhandled(alert, "assigned")
        if alert.assigned_to == to:
            return alert
        if instead_of is not None and alert.assigned_to != instead_of:
            raise AssignedMeanwhile(alert.assigned_to)
        alert.assigned_to = to
        alert.save(update_fields=["assigned_to"])
        assigned = AlertAssigned(
            alert=alert.pk, rule=alert.name, severity=alert.level, to=to, by=by
        )
        events.append([(alert.call, assigned)], at=timezone.now())
    return alert


def snooze_alert(*, alert_id: int, until: datetime, by: str) -> Alert:
    """Snooze an alert. The watcher opens it again when the time is up.

    Raises AlertNotFound, AlertClosed and BadSnooze.
    """
    now = timezone.now()
    if until <= now:
        raise BadSnooze("Choose a time that is still to come.")
    if until > now + LONGEST_SNOOZE:
        raise BadSnooze(f"An alert can be snoozed for at most {LONGEST_SNOOZE.days} days.")
    with transaction.atomic():
        alert = lock_alert(alert_id)
        _check_unhandled(alert, "snoozed")
        alert.snoozed_until = until
        alert.save(update_fields=["snoozed_until"])
        snoozed = AlertSnoozed(
            alert=alert.pk, rule=alert.name, severity=alert.level, until=until.isoformat(), by=by
        )
        events.append([(alert.call, snoozed)], at=now)
    return alert


def reopen_alert(*, alert_id: int, by: str) -> tuple[Alert, bool]:
    """Open an alert that was acknowledged or snoozed. Returns it, and whether this opened it.

    One whose condition has ended stays resolved. Raises AlertNotFound and AlertClosed.
    """
    with transaction.atomic():
        alert = lock_alert(alert_id)
        if alert.state == Alert.State.RESOLVED:
            raise AlertClosed(alert, "reopened")
        if alert.is_open:
            return alert, False
        _reopen(alert, by=by, now=timezone.now())
    return alert, True


def undo_acknowledgement(*, alert_ids: Sequence[int], by: str, at: datetime) -> int:
    """Take back what a user acknowledged at this time. Returns how many alerts that were."""
    return sum(_undo(alert_id, by=by, at=at) for alert_id in alert_ids)


def _undo(alert_id: int, *, by: str, at: datetime) -> bool:
    with transaction.atomic():
        try:
            alert = lock_alert(alert_id)
        except AlertNotFound:
            return False  # its call was deleted in the meantime
        is_theirs = (alert.acknowledged_by, alert.acknowledged_at) == (by, at)
        if is_theirs:
            _reopen(alert, by=by, now=timezone.now())
    return is_theirs


def wake_snoozed(*, now: datetime, limit: int = 500) -> int:
    """Open the alerts whose time to be snoozed is over. Returns how many."""
    due = Alert.objects.filter(snoozed_until__lte=now).order_by("snoozed_until")
    return sum(_wake(pk, now=now) for pk in list(due.values_list("pk", flat=True)[:limit]))


def _wake(alert_id: int, *, now: datetime) -> bool:
    is_due = False
    with leaving_locked(), transaction.atomic():
        limit_lock_waits(LOCK_MS)
        try:
            alert = lock_alert(alert_id)
        except AlertNotFound:
            return False
        # Check again under the lock: somebody may have acknowledged it or put it off further.
        is_due = alert.snoozed_until is not None and alert.snoozed_until <= now
        if is_due:
            _reopen(alert, by="", now=now)
    return is_due


def _reopen(alert: Alert, *, by: str, now: datetime) -> None:
    alert.acknowledged_at = alert.snoozed_until = None
    alert.acknowledged_by = alert.note = ""
    fields = ["acknowledged_at", "acknowledged_by", "note", "snoozed_until"]
    alert.save(update_fields=fields)
    # What ended in the meantime stays resolved, and is not open again.
    if alert.is_open:
        reopened = AlertReopened(alert=alert.pk, rule=alert.name, severity=alert.level, by=by)
        events.append([(alert.call, reopened)], at=now)


def _check_unhandled(alert: Alert, action: str) -> None:
    if not alert.is_unhandled:
        raise AlertClosed(alert, action)
