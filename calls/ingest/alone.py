"""Storing packets without group commit: each request is a transaction of its own."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.db import DatabaseError

from calls.ingest.packets import IncomingPacket
from calls.ingest.record import record_packets
from calls.ingest.requests import NOT_AVAILABLE, Unavailable
from calls.outage import Outage, is_outage

log = logging.getLogger(__name__)

_outage = Outage(log, "packets are refused with 503")


def store_alone(packets: Sequence[IncomingPacket]) -> None:
    """Store packets, and return after the commit. Raises Unavailable if the database is away."""
    try:
        record_packets(packets)
    except DatabaseError as error:
        if not is_outage(error):
            raise
        _outage.note(error)
        raise Unavailable(NOT_AVAILABLE) from error
    _outage.over()
