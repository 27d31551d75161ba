"""Opens a carrier's stream in the database: the call, its description, and the stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from calls.ingest.buffer import Unavailable
from calls.ingest.packets import MAX_NAME_LENGTH
from calls.models import Call, Stream
from calls.services import start_call

MAX_NAMESAKES = 1000
MAX_REMARKS = 20


def open_stream(
    *,
    call_id: str,
    name: str,
    media: str,
    description: Mapping[str, str],
    remarks: Sequence[str] = (),
) -> str:
    """Open a stream and return its name in the call: ``name``, or ``name#2`` if that is taken.

    Each socket numbers its packets from 1. Under one name, the packets of two sockets would count
    as duplicates of each other. Raises Unavailable if the database is not reachable.
    """
    try:
        with transaction.atomic():
            call = start_call(call_id=call_id, **description)
            _add_remarks(call, remarks)
            now = timezone.now()
            for attempt in range(1, MAX_NAMESAKES):
                free = name if attempt == 1 else f"{name[: MAX_NAME_LENGTH - 5]}#{attempt}"
                _, opened = Stream.objects.get_or_create(
                    call=call, name=free, defaults={"media": media, "opened_at": now}
                )
                if opened:
                    return free
    except (OperationalError, InterfaceError) as error:
        raise Unavailable("The database is not reachable.") from error
    raise Unavailable(f"Call {call_id} has too many streams named {name}.")


def _add_remarks(call: Call, remarks: Sequence[str]) -> None:
    """Add what could not be read to the call, which ``start_call`` has locked."""
    new = [remark for remark in remarks if remark not in call.remarks]
    if new and len(call.remarks) < MAX_REMARKS:
        call.remarks = [*call.remarks, *new]
        call.save(update_fields=["remarks"])
