"""Shows the results of a run and the bars they must meet, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Column, Table
from rich.text import Text

P99_LIMIT_MS = 50.0
CARRIER_P99_LIMIT_MS = 2_000.0


@dataclass(frozen=True, kw_only=True)
class Result:
    """One path. ``rows`` counts the rows added during the run. None if the path writes none."""

    name: str
    title: str
    requests_per_s: float = 0.0
    packets_per_s: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 0.0
    errors: int = 0
    reconnections: int = 0
    acknowledged: int = 0
    rows: int | None = None
    client_cpu: float = 0.0
    memory_mib: float = 0.0  # of the web process, at the end
    memory_growth: float = 0.0  # of its peak after the first third of the run, as a fraction
    behind_ms: float = 0.0  # the greatest delay of the client

    @property
    def is_honest(self) -> bool:
        return self.rows is None or self.rows == self.acknowledged


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A measured value and its limit, which is an upper or a lower bound."""

    name: str
    value: float
    limit: float
    is_upper: bool = False
    unit: str = "x"

    @property
    def passed(self) -> bool:
        return self.value < self.limit if self.is_upper else self.value >= self.limit

    def __str__(self) -> str:
        sign = "<" if self.is_upper else ">="
        digits = 1 if abs(self.value) >= 1 else 4
        value, limit = f"{self.value:.{digits}f}".rstrip("0").rstrip("."), f"{self.limit:g}"
        verdict = "PASS" if self.passed else "FAIL"
        return f"{verdict}  {self.name}: {value} {self.unit} ({sign} {limit} {self.unit})"


def compare(results: Sequence[Result]) -> list[Bar]:
    """Compare results with each other. Omit a bar if one of its results is missing."""
    by_name = {result.name: result for result in results}
    return list(_bars(by_name))


def _bars(by_name: Mapping[str, Result]) -> Iterator[Bar]:
    yield from _ratio(by_name, "single", "drf-daphne", 10, "single packet over DRF on Daphne", 1)
    yield from _ratio(by_name, "single", "bare", 15, "single packet over the bare endpoint")
    if "single" in by_name:
        p99 = by_name["single"].p99_ms
        yield Bar(
            name="p99 of a single packet",
            value=p99,
            limit=P99_LIMIT_MS,
            is_upper=True,
            unit="ms",
        )
    if "carriers" in by_name:
        yield from _carriers(by_name["carriers"])
    # Not for SQLite: its bulk insert needs no server, so the comparison would mean nothing.
    if "copy" in by_name and "COPY" in by_name["copy"].title:
        yield from _ratio(by_name, "batch", "copy", 20, "batches over COPY")
        yield from _ratio(by_name, "websocket", "copy", 20, "WebSocket over COPY")
    for name in ("single", "batch"):
        full = by_name.get(f"{name}-full")
        if full and name in by_name and full.packets_per_s:
            growth = (by_name[name].packets_per_s / full.packets_per_s - 1) * 100
            title = f"growth of the cost of a packet with a full table, {name}"
            yield Bar(name=title, value=growth, limit=20, is_upper=True, unit="%")


def _carriers(result: Result) -> Iterator[Bar]:
    lost = abs((result.rows or 0) - result.acknowledged) + result.errors
    yield Bar(name="carriers' frames unaccounted for", value=lost, limit=1, is_upper=True, unit="")
    yield Bar(
        name="p99 from a carrier's frame to its commit",
        value=result.p99_ms,
        limit=CARRIER_P99_LIMIT_MS,
        is_upper=True,
        unit="ms",
    )
    growth = result.memory_growth * 100
    name = f"growth of memory ({result.memory_mib:.0f} MiB)"
    yield Bar(name=name, value=growth, limit=5, is_upper=True, unit="%")


def _ratio(
    by_name: Mapping[str, Result], over: str, under: str, limit: float, name: str, factor: int = 100
) -> Iterator[Bar]:
    if over in by_name and under in by_name and by_name[under].packets_per_s:
        value = factor * by_name[over].packets_per_s / by_name[under].packets_per_s
        yield Bar(name=name, value=value, limit=limit, unit="x" if factor == 1 else "%")


def as_json(results: Sequence[Result], bars: Sequence[Bar], **context: Any) -> dict[str, Any]:
    """Return all results as JSON."""
    return {
        **context,
        "ok": all(result.is_honest for result in results),
        "paths": {result.name: _rounded(result) for result in results},
        "bars": [{**asdict(bar), "passed": bar.passed} for bar in bars],
    }


def _rounded(result: Result) -> dict[str, Any]:
    return {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in asdict(result).items()
    }


def table(results: Sequence[Result], title: str) -> Table:
    """Return a table with one row for each path, in the order of measurement."""
    made = Table(Column("path", no_wrap=True), title=title)
    for heading in ("packets/s", "p50 ms", "p99 ms", "max ms", "errors", "client CPU"):
        made.add_column(heading, justify="right")
    made.add_column("rows / acknowledged", justify="right")
    for result in results:
        made.add_row(*_cells(result))
    return made


def _cells(result: Result) -> Iterator[str | Text]:
    yield result.title
    yield f"{result.packets_per_s:,.0f}"
    for value in (result.p50_ms, result.p99_ms, result.max_ms):
        yield f"{value:.1f}" if value else "-"
    yield str(result.errors)
    yield f"{result.client_cpu:.0%}" if result.client_cpu else "-"
    if result.rows is None:
        yield "-"
    else:
        color = "green" if result.is_honest else "red"
        yield Text(f"{result.rows} / {result.acknowledged}", style=color)
