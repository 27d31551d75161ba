"""What all processes have counted, in the form of prometheus-client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from calls.telemetry.adding_up import SiteFigures, add_gauges
from calls.telemetry.catalogue import METERS
from calls.telemetry.meters import SEPARATOR, Counter, Gauge, Histogram, Labels, Meter

PREFIX = "callcenter_"
ROLES = ("web", "worker", "watcher", "listener")


class ProcessCollector(Collector):
    """Gives the figures of the site to a registry."""

    def __init__(self, site: SiteFigures) -> None:
        self._site = site

    def collect(self) -> Iterator[Metric]:
        for meter in METERS.values():
            if isinstance(meter, Gauge):
                yield self._gauge(meter)
            elif isinstance(meter, Histogram):
                yield self._histogram(meter)
            elif isinstance(meter, Counter):
                yield self._counter(meter)
        yield self._processes()

    def _counter(self, meter: Counter) -> Metric:
        found = CounterMetricFamily(PREFIX + meter.name, meter.text, labels=meter.labels)
        for labels, (count,) in self._series(meter):
            found.add_metric(labels, count)
        return found

    def _histogram(self, meter: Histogram) -> Metric:
        found = HistogramMetricFamily(PREFIX + meter.name, meter.text, labels=meter.labels)
        bounds = [*(str(bound) for bound in meter.bounds), "+Inf"]
        for labels, (*counts, total) in self._series(meter):
            found.add_metric(labels, list(zip(bounds, accumulate(counts), strict=True)), total)
        return found

    def _gauge(self, meter: Gauge) -> Metric:
        if meter.per_process:
            return self._of_each_process(meter)
        sums = add_gauges(self._site.gauges.values(), meter.name)
        found = GaugeMetricFamily(PREFIX + meter.name, meter.text, labels=meter.labels)
        for labels in _with_known(meter, sums):
            found.add_metric(labels, sums.get(SEPARATOR.join(labels), 0.0))
        return found

    def _of_each_process(self, meter: Gauge) -> Metric:
        found = GaugeMetricFamily(PREFIX + meter.name, meter.text, labels=["process"])
        for process, gauges in sorted(self._site.gauges.items()):
            for (value,) in gauges.get(meter.name, {}).values():
                found.add_metric([process], value)
        return found

    def _series(self, meter: Meter) -> Iterator[tuple[Labels, list[float]]]:
        known = self._site.counts.get(meter.name, {})
        for labels in _with_known(meter, known):
            values = known.get(SEPARATOR.join(labels), [])
            # The length differs if another version of the program had other buckets.
            yield labels, values if len(values) == meter.width else [0.0] * meter.width

    def _processes(self) -> Metric:
        text = "Processes that have reported lately, by role"
        found = GaugeMetricFamily(f"{PREFIX}processes", text, labels=["role"])
        roles = list(self._site.roles.values())
        for role in ROLES:
            found.add_metric([role], roles.count(role))
        return found


def _with_known(meter: Meter, found: Mapping[str, object]) -> Iterable[Labels]:
    seen = (tuple(key.split(SEPARATOR)) if key else () for key in found)
    return dict.fromkeys([*meter.known, *seen])
