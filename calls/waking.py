"""Wakes the worker after a change: one job for each transaction, or for a batch of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.db import connection, transaction
from django_q.tasks import async_task

RUN_ANALYSES = "calls.tasks.run_analyses"


@dataclass
class _Batch:
    is_wanted: bool = False


@dataclass(frozen=True)
class _Queued:
    """Marks a transaction that has queued the job.

    It is kept as an on-commit callback because Django drops those whenever the database drops the
    job: when a savepoint or the whole transaction is rolled back.
    """

    block: transaction.Atomic

    def __call__(self) -> None:
        """Do nothing: the job is in the queue already."""


_batch: ContextVar[_Batch | None] = ContextVar("batch", default=None)


def wake_worker() -> None:
    """Queue a job that checks for due calls, unless this transaction has queued one already.

    The job is a row: it commits or rolls back with the change. Outside a transaction, each call
    queues a job. Inside ``waking_once`` the block queues it.
    """
    batch = _batch.get()
    if batch is not None:
        batch.is_wanted = True
        return
    block = _transaction()
    if block is None:
        _queue()
    elif not _has_queued(block):
        _queue()
        transaction.on_commit(_Queued(block))


@contextmanager
def waking_once() -> Iterator[None]:
    """Wake the worker once, at the end of a batch of transactions, if one of them asks for it.

    If the batch fails, nothing is queued: the sweep finds the calls that are due.
    """
    if _batch.get() is not None:  # the outer batch does it
        yield
        return
    batch = _Batch()
    token = _batch.set(batch)
    try:
        yield
    finally:
        _batch.reset(token)
    if batch.is_wanted:
        wake_worker()


def _queue() -> None:
    # save=False: the queue would otherwise keep a record of each of these jobs.
    async_task(RUN_ANALYSES, task_name="run_analyses", save=False)


def _transaction() -> transaction.Atomic | None:
    """Return the outermost atomic block, or None outside a transaction.

    Like Django's check of ``durable``, this ignores the transaction around a test.
    """
    blocks = connection.atomic_blocks
    return next((each for each in blocks if not getattr(each, "_from_testcase", False)), None)


def _has_queued(block: transaction.Atomic) -> bool:
    marks = (callback for _, callback, *_ in connection.run_on_commit)
    return any(isinstance(mark, _Queued) and mark.block is block for mark in marks)
