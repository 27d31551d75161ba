"""The imperfect line between a telephone and the server. Pure and repeatable: no clock, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from random import Random
from typing import Generic, TypeVar

REACH = 8
"""The most places by which a packet is delayed, or a duplicate follows its original."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rates:
    """How often a packet is lost, sent twice or delayed; each between 0 (never) and 1 (always)."""

    loss: float = 0.0
    duplicates: float = 0.0
    shuffle: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            rate = getattr(self, field.name)
            if not 0 <= rate <= 1:
                raise ValueError(f"{field.name} must be a rate between 0 and 1, not {rate}")


@dataclass(frozen=True, slots=True)
class Delivery(Generic[T]):
    """The packets in order of arrival, and how many were lost, duplicated and shuffled."""

    packets: tuple[T, ...]
    lost: int
    duplicated: int
    shuffled: int
    """Packets whose first copy arrives after a later packet."""


def deliver(packets: Sequence[T], rng: Random, rates: Rates) -> Delivery[T]:
    """Send ``packets``, given in order, over the line. The same ``rng`` does the same damage.

    A shuffled packet is delayed by 1 to ``REACH`` places. A duplicate follows its original by 1 to
    ``REACH`` places. The end of a call is not a packet: the caller sends it after the last one.
    """
    arrivals: list[tuple[float, int]] = []
    lost = duplicated = 0
    for index in range(len(packets)):
        keys = _arrival_keys(index, rng, rates)
        arrivals += [(key, index) for key in keys]
        lost += not keys
        duplicated += len(keys) == 2
    order = [index for _, index in sorted(arrivals)]
    return Delivery(tuple(packets[i] for i in order), lost, duplicated, _count_overtaken(order))


def _arrival_keys(index: int, rng: Random, rates: Rates) -> tuple[float, ...]:
    # Always draw five numbers per packet, so that changing one rate does not change other damage.
    is_lost, is_doubled, is_delayed = (
        rng.random() < rate for rate in (rates.loss, rates.duplicates, rates.shuffle)
    )
    delay, echo = rng.randint(1, REACH), rng.randint(1, REACH)
    if is_lost:
        return ()
    # The fractions put a packet that arrives late between two others, never on their place.
    key = index + delay + 0.5 if is_delayed else float(index)
    return (key, key + echo + 0.25) if is_doubled else (key,)


def _count_overtaken(order: list[int]) -> int:
    overtaken, newest, seen = 0, -1, set[int]()
    for index in order:
        overtaken += index not in seen and index < newest
        newest = max(newest, index)
        seen.add(index)
    return overtaken
