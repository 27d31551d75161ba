"""Opens a carrier's stream in the database: the call, its description, stream and connection."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain, count
from typing import Any, NamedTuple

from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import Min, QuerySet

from calls.clock import database_now
from calls.description import pick_fields
from calls.ingest.carriers.presence import add_connection, wait_briefly
from calls.ingest.packets import MAX_NAME_LENGTH
from calls.ingest.requests import NOT_AVAILABLE, Unavailable
from calls.ingest.streams.crowding import MAX_STREAMS
from calls.models import Call, Stream
from calls.outage import Outage, is_contention, is_outage
from calls.services import start_call

log = logging.getLogger(__name__)
outage = Outage(log, "new streams wait")
MAX_REMARKS = 20


class TooManyStreams(Exception):
    """The call has reached the limit of streams."""


class Opened(NamedTuple):
    """The stream's name in the call, its offset from the first stream, and its connection.

    ``resumed_s`` is how long ago the carrier first opened a stream of this name.
    """

    stream: str
    begins_s: float
    connection: int
    resumed_s: float = 0.0


def open_stream(
    *,
    call_id: str,
    name: str,
    media: str,
    description: Mapping[str, str],
    remarks: Sequence[str] = (),
    said: Mapping[str, Any] | None = None,
) -> Opened:
    """Open a stream, as ``name``, or as ``name#2`` if that is taken.

    Each socket numbers its packets from 1. Under one name, the packets of two sockets would count
    as duplicates of each other. Custom fields are taken from ``said``, all that the carrier says of
    the call. Raises Unavailable if the database is not available, and TooManyStreams.
    """
    try:
        with transaction.atomic():
            wait_briefly()
            call = start_call(call_id=call_id, fields=pick_fields(said or {}), **description)
            _add_remarks(call, remarks)
            now = database_now()
            stream = _create(call, name, media, now)
            begins_s = _age_s(call.streams.all(), now)
            resumed_s = _age_s(call.streams.filter(name=name), now)
            connection = add_connection(call, stream, name=name, now=now)
        outage.over()
        return Opened(stream.name, begins_s, connection, resumed_s)
    except DatabaseError as error:
        if not is_outage(error):
            raise
        if not is_contention(error):
            outage.note(error)
        raise Unavailable(NOT_AVAILABLE) from error


def _age_s(streams: QuerySet[Stream], now: datetime) -> float:
    """Return how long ago the first of the streams was opened."""
    opened_at = streams.aggregate(first=Min("opened_at"))["first"] or now
    return max(0.0, float((now - opened_at).total_seconds()))


def _create(call: Call, name: str, media: str, now: datetime) -> Stream:
    """Open a stream of a locked call under the first name that is free."""
    taken = set(call.streams.values_list("name", flat=True))
    if len(taken) >= MAX_STREAMS:
        raise TooManyStreams(f"Call {call.call_id} has {len(taken):,} streams, which is the limit.")
    numbered = (f"{name[: MAX_NAME_LENGTH - 5]}#{number}" for number in count(2))
    free = next(each for each in chain([name], numbered) if each not in taken)
    return call.streams.create(name=free, media=media, opened_at=now)


def _add_remarks(call: Call, remarks: Sequence[str]) -> None:
    """Add what could not be read to the call, which ``start_call`` has locked."""
    new = [remark for remark in remarks if remark not in call.remarks]
    if new and len(call.remarks) < MAX_REMARKS:
        call.remarks = [*call.remarks, *new]
        call.save(update_fields=["remarks"])
