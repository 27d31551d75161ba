"""Counters, histograms and gauges of one process. They cost less than a microsecond to change.

The registries of prometheus-client cannot be added up over processes without files on a shared
disk, so the values are kept as plain lists of numbers, which the database stores as JSON.
"""

from __future__ import annotations

import os
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar

Labels = tuple[str, ...]
Series = dict[Labels, list[float]]
# By name and labels, joined by SEPARATOR: the form that is stored.
Stored = Mapping[str, Mapping[str, list[float]]]
SEPARATOR = "|"


class _Guard:
    """Keeps threads apart. A forked child replaces the lock, which somebody may have held."""

    lock = threading.Lock()


class Meter:
    """The base of all kinds of meters. A meter registers itself under its name."""

    all: ClassVar[dict[str, Meter]] = {}

    def __init__(
        self, name: str, text: str, labels: Labels = (), *, known: Sequence[Labels] = ()
    ) -> None:
        """``known`` label values have a series from the start: in Prometheus, a rule on a series
        that does not exist never fires.
        """
        self.name, self.text, self.labels = name, text, labels
        self.known = known or (((),) if not labels else ())
        self.series: Series = {}
        Meter.all[name] = self

    @property
    def width(self) -> int:
        """Return how many numbers a series has."""
        return 1


class Counter(Meter):
    """A number that only grows."""

    def add(self, amount: float = 1, *labels: str) -> None:
        with _Guard.lock:
            self.series.setdefault(labels, [0.0])[0] += amount


class Histogram(Meter):
    """Counts values by size. A series has a count for each bucket and for the rest, and the sum."""

    def __init__(
        self,
        name: str,
        text: str,
        labels: Labels = (),
        *,
        bounds: tuple[float, ...],
        known: Sequence[Labels] = (),
    ) -> None:
        super().__init__(name, text, labels, known=known)
        self.bounds = bounds

    @property
    def width(self) -> int:
        return len(self.bounds) + 2

    def observe(self, values: Iterable[float], *labels: str) -> None:
        with _Guard.lock:
            series = self.series.get(labels)
            if series is None:
                series = self.series[labels] = [0.0] * self.width
            for value in values:
                series[bisect_left(self.bounds, value)] += 1
                series[-1] += value


class Gauge(Meter):
    """A number that goes up and down. The site's is the sum; or there is one for each process."""

    def __init__(
        self,
        name: str,
        text: str,
        labels: Labels = (),
        *,
        known: Sequence[Labels] = (),
        per_process: bool = False,
    ) -> None:
        super().__init__(name, text, labels, known=known)
        self.per_process = per_process
        self.ask: Callable[[], float] | None = None

    def add(self, amount: float, *labels: str) -> None:
        with _Guard.lock:
            self.series.setdefault(labels, [0.0])[0] += amount


def read_counts() -> Stored:
    """Return what this process has counted since its start."""
    return _stored(meter for meter in Meter.all.values() if not isinstance(meter, Gauge))


def read_gauges() -> Stored:
    """Return the state of this process."""
    gauges = [meter for meter in Meter.all.values() if isinstance(meter, Gauge)]
    for gauge in gauges:
        if gauge.ask is not None:
            gauge.series[()] = [gauge.ask()]
    return _stored(gauges)


def _stored(meters: Iterable[Meter]) -> Stored:
    with _Guard.lock:
        return {
            meter.name: {SEPARATOR.join(key): list(found) for key, found in meter.series.items()}
            for meter in meters
            if meter.series
        }


def forget() -> None:
    """Start from zero, as a new process does."""
    _Guard.lock = threading.Lock()
    for meter in Meter.all.values():
        meter.series.clear()


os.register_at_fork(after_in_child=forget)
