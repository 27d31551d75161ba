"""Limits the streams of a call. Packets of further streams share one, and none is lost.

A sender that uses a new stream for each packet would otherwise make every read of the call, and
every further packet, more expensive.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Count

from calls.models import Call, Stream

MAX_STREAMS = 1_000  # of one call; each run counts
SHARED = "(other streams)"
REMARK = (
    f"The sender named more than {MAX_STREAMS:,} streams. The packets of further ones are in one "
    f"stream, “{SHARED}”."
)


def count_streams(call_pks: Collection[int]) -> dict[int, int]:
    """Return how many streams each of these calls has; calls without streams are left out."""
    counted = Stream.objects.filter(call__in=call_pks).order_by().values_list("call_id")
    return {int(pk): count for pk, count in counted.annotate(count=Count("pk"))}


def note_crowded(call_pks: Collection[int]) -> None:
    """Say on the pages of locked calls that streams share one."""
    for call in Call.objects.filter(pk__in=call_pks).only("remarks"):
        if REMARK not in call.remarks:
            call.remarks = [*call.remarks, REMARK]
            call.save(update_fields=["remarks"])
