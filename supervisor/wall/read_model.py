"""Everything that a wall screen shows at one moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from calls.models import WallPage
from calls.models.wall import QUEUES_LIMIT
from supervisor.figures import COUNTED
from supervisor.wall.calls import CallRows, read_calls
from supervisor.wall.floor import Floor, QueueFigures, total
from supervisor.wall.levels import CALM, Levels, Thresholds, worst
from supervisor.wall.options import Options

TILES = 12  # queues on a page
TILES_LIMIT = QUEUES_LIMIT  # of more queues, the busiest are shown
# Where fewer tiles are larger: the number of tiles, and the columns for that many.
_COLUMNS = ((1, 1), (2, 2), (4, 2), (6, 3), (9, 3), (12, 4))


@dataclass(frozen=True)
class Tile:
    """A queue, with the level of each of its figures."""

    figures: QueueFigures
    levels: Levels


@dataclass(frozen=True)
class Page:
    """One of the pages that rotate. ``part`` counts the pages of queues, if there are several."""

    kind: str
    title: str
    tiles: tuple[Tile, ...] = ()
    part: int = 0

    @property
    def key(self) -> str:
        return f"{self.kind}-{self.part}" if self.part else self.kind

    @property
    def columns(self) -> int:
        return next(columns for most, columns in _COLUMNS if len(self.tiles) <= most)


@dataclass(frozen=True)
class Screen:
    """Two equal screens look the same, apart from running clocks and ``now``."""

    options: Options
    pages: tuple[Page, ...]
    figures: QueueFigures
    levels: Levels
    longest_queue: str
    queue_count: int
    left_out: int
    calls: CallRows
    now: datetime = field(compare=False)

    @property
    def alert_count(self) -> str:
        count = self.figures.alerts
        return f"{COUNTED:,}+" if count >= COUNTED else str(count)


def read_screen(options: Options, floor: Floor, thresholds: Thresholds) -> Screen:
    """Return what a screen shows. It queries only the calls, and only if they are shown."""
    queues = _queues(options, floor)
    tiles = tuple(Tile(one, thresholds.levels(one, floor.now)) for one in queues)
    shown, left_out = _tiles(options, tiles)
    calls = CallRows()
    if WallPage.CALLS in options.pages:
        calls = read_calls(options, thresholds, floor.now)
    return Screen(
        options=options,
        pages=tuple(_pages(options, shown)),
        figures=total(queues),
        levels=_worst_of(tiles),
        longest_queue=_longest(queues),
        queue_count=sum(1 for one in queues if one.live),
        left_out=left_out,
        calls=calls,
        now=floor.now,
    )


def _queues(options: Options, floor: Floor) -> list[QueueFigures]:
    """Return the chosen queues in the chosen order; or all, by name."""
    if options.queues:
        return [floor.of(queue) for queue in options.queues]
    # Calls without a queue come last.
    names = sorted(floor.queues, key=lambda name: (not name, name.casefold()))
    return [floor.queues[name] for name in names]


def _tiles(options: Options, tiles: Sequence[Tile]) -> tuple[tuple[Tile, ...], int]:
    """Return the tiles to show, in their order, and how many queues have no place.

    A queue without a call today has a tile only if it was chosen.
    """
    used = [tile for tile in tiles if options.queues or tile.figures.is_in_use]
    by_calls = sorted(used, key=lambda tile: (-tile.figures.live, -tile.figures.handled.calls))
    busiest = {tile.figures.queue for tile in by_calls[:TILES_LIMIT]}
    shown = tuple(tile for tile in used if tile.figures.queue in busiest)
    return shown, len(used) - len(shown)


def _pages(options: Options, tiles: tuple[Tile, ...]) -> Iterator[Page]:
    for kind in options.pages:
        if kind == WallPage.QUEUES:
            yield from _queue_pages(tiles)
        else:
            yield Page(kind, kind.capitalize())


def _queue_pages(tiles: tuple[Tile, ...]) -> Iterator[Page]:
    parts = [tiles[at : at + TILES] for at in range(0, len(tiles), TILES)] or [()]
    for number, part in enumerate(parts, 1):
        if len(parts) == 1:
            yield Page(WallPage.QUEUES, "Queues", part)
        else:
            yield Page(WallPage.QUEUES, f"Queues {number}/{len(parts)}", part, number)


def _worst_of(tiles: Sequence[Tile]) -> Levels:
    names = ("longest", "negative", "alerts", "waiting")
    return Levels(
        **{name: worst(getattr(tile.levels, name) for tile in tiles) or CALM for name in names}
    )


def _longest(queues: Sequence[QueueFigures]) -> str:
    """Return the name of the queue with the longest live call."""
    talking = [(one.oldest_at, one.queue) for one in queues if one.oldest_at]
    return min(talking)[1] if talking else ""
