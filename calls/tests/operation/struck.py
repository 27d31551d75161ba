"""Runs a management command and kills it at a chosen point: ``python -m ... HOW WHERE COMMAND``.

HOW is one of BLOWS. WHERE names a function that the command calls, such as
``calls.backups.media._copy``; ``before``, ``after`` or ``in`` it, at its first or ``@2``nd call, or
at the one that is ``@about`` something.
"""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from functools import partial
from importlib import import_module

import psycopg

LITTLE = 1 << 19


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def interrupt():
    raise KeyboardInterrupt


def fill_disk():
    """Let no file grow beyond half a megabyte, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (LITTLE, LITTLE))


def lose_database():
    from calls.operation.direct import direct_parameters

    ended = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = ANY(%s)"
    )
    with psycopg.connect(**direct_parameters(), autocommit=True) as other:
        while not other.execute(ended, [["pg_dump", "psql"]]).fetchall():
            time.sleep(0.05)


def erase():
    """Let another process erase a call meanwhile."""
    subprocess.run(
        [sys.executable, "manage.py", "erase", "--call-id", "c-1", "--reason", "Case 1"],
        check=False,
    )


BLOWS = {each.__name__: each for each in (kill, interrupt, fill_disk, lose_database, erase)}


class Half(sqlite3.Connection):
    """Copies one page, and is struck."""

    def backup(self, target, **options):
        super().backup(target, pages=1, progress=lambda *_: strike())


strike = kill


def at(when, name, which):
    """Let ``strike`` happen when this function is called for the nth time, or with this word."""
    owner, attribute = _find(name)
    real = getattr(owner, attribute)
    calls = iter(range(1, 1_000_000))

    def struck(*arguments, **named):
        number = str(next(calls))
        if which not in ([number] if which.isdigit() else [str(each) for each in arguments]):
            return real(*arguments, **named)
        if when == "before":
            strike()
        result = real(*arguments, **named)
        if when == "after":
            strike()
        return result

    setattr(owner, attribute, struck)


def _find(name):
    module, _, attribute = name.rpartition(".")
    try:
        return import_module(module), attribute
    except ModuleNotFoundError:
        module, _, cls = module.rpartition(".")
        return getattr(import_module(module), cls), attribute


def main(how, where, *command):
    global strike  # noqa: PLW0603
    import django
    from django.core.management import execute_from_command_line

    django.setup()
    strike = BLOWS[how]
    when, _, place = where.partition(" ")
    name, _, which = place.partition("@")
    if when == "in":
        from calls.backups import dumps

        dumps.sqlite3.connect = partial(sqlite3.connect, factory=Half)
    else:
        at(when, name, which or "1")
    execute_from_command_line(["manage.py", *command])


if __name__ == "__main__":
    main(*sys.argv[1:])
