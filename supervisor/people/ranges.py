"""The range of days in the address of a page: the last days, or from one date to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django.utils import timezone

from calls.reports.period import Period, PeriodRefused, last_days, read_period

USUAL = "7"
OFFERED = {"1": "Today", "7": "7 days", "30": "30 days", "90": "90 days"}


@dataclass(frozen=True)
class Range:
    """A range. ``chosen`` is a key of OFFERED, or empty if it goes from one date to another.

    ``problem`` says what is wrong with the dates in the address. The range is the usual one then.
    """

    period: Period
    chosen: str
    problem: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, Any], *, now: datetime) -> Self:
        zone = timezone.get_current_timezone()
        first, last = (str(query.get(name, "")).strip() for name in ("from", "to"))
        if not first and not last:
            chosen = str(query.get("days", ""))
            chosen = chosen if chosen in OFFERED else USUAL
            return cls(last_days(int(chosen), now=now, zone=zone), chosen)
        try:
            return cls(read_period(first, last, now=now, zone=zone), "")
        except PeriodRefused as error:
            usual = last_days(int(USUAL), now=now, zone=zone)
            return cls(usual, USUAL, f"{_LABELS[error.field]}: {error}")

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of an address for the same range."""
        if self.chosen:
            return {} if self.chosen == USUAL else {"days": self.chosen}
        return self.dates

    @property
    def dates(self) -> dict[str, str]:
        return {"from": str(self.period.first), "to": str(self.period.last)}


_LABELS = {"from": "From", "to": "To"}
