"""Storing packets without group commit: each request is a transaction of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future

from django.db import DatabaseError

from calls.ingest.packets import IncomingPacket
from calls.ingest.record import record_packets
from calls.ingest.requests import NOT_AVAILABLE, StoreRequest, Unavailable, Way, in_hand
from calls.outage import Outage, is_outage
from calls.telemetry.catalogue import INGEST_PACKETS, INGEST_SECONDS

log = logging.getLogger(__name__)

_outage = Outage(log, "packets are refused with 503")


def store_alone(packets: Sequence[IncomingPacket], way: Way = Way.SINGLE) -> None:
    """Store packets, and return after the commit. Raises Unavailable during a database outage."""
    begun_at = time.monotonic()
    try:
        with in_hand([StoreRequest(packets, Future(), begun_at, way)]):
            record_packets(packets)
    except DatabaseError as error:
        if not is_outage(error):
            raise
        _outage.note(error)
        raise Unavailable(NOT_AVAILABLE) from error
    _outage.over()
    INGEST_PACKETS.add(len(packets), way)
    INGEST_SECONDS.observe([time.monotonic() - begun_at], way)
