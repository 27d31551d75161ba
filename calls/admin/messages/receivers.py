"""What the pages of webhooks and of notification targets have in common."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from calls.admin.display import NONE, Shown, pill, show_error, show_time
from calls.admin.lists import Records
from calls.models import Delivery, Receiver

LEVELS: dict[str, str] = {
    Delivery.State.PENDING: "note",
    Delivery.State.DELIVERED: "ok",
    Delivery.State.GIVEN_UP: "bad",
    Delivery.State.MERGED: "off",
}


class Receivers(Shown):
    """Says whether messages arrive."""

    @admin.display
    def state(self, receiver: Receiver) -> SafeString:
        if not receiver.enabled:
            return pill("bad" if receiver.disabled_reason else "off", "Disabled")
        if receiver.failing_since:
            return pill("warn", "Failing")
        if not receiver.delivered_count:
            return pill("note", "Not tried yet")
        return pill("ok", "OK")

    @admin.display
    def trouble(self, receiver: Receiver) -> SafeString | str:
        if receiver.enabled and receiver.failing_since:
            return format_html("since {}", show_time(receiver.failing_since))
        return show_error("" if receiver.enabled else receiver.disabled_reason)

    @admin.display(description="state")
    def standing(self, receiver: Receiver) -> SafeString:
        reason = self.trouble(receiver)
        return format_html("{} {}", self.state(receiver), "" if reason == NONE else reason)


class Deliveries(Records):
    """The log of messages and their results."""

    @admin.display(description="state")
    def shown_state(self, delivery: Delivery) -> SafeString:
        return pill(LEVELS[delivery.state], Delivery.State(delivery.state).label)

    @admin.display(description="error")
    def shown_error(self, delivery: Delivery) -> SafeString | str:
        return show_error(delivery.error)

    @admin.display
    def took(self, delivery: Delivery) -> str:
        took_ms = delivery.duration_ms
        return NONE if took_ms is None else f"{took_ms:,} ms"
