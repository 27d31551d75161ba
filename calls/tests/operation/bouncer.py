"""Runs pgbouncer in transaction mode in front of the PostgreSQL server of the tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg

from benchmarks.rig.waiting import free_port, wait_until

SETTINGS = """\
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 8
max_client_conn = 500
"""


@contextmanager
def bouncer(program: str, folder: Path, database: str) -> Iterator[str]:
    """Start pgbouncer and yield the address of a database behind it."""
    address = urlsplit(database)
    where = parse_qs(address.query)
    host = where.get("host", [address.hostname or "127.0.0.1"])[0]
    port = free_port()
    user = address.username or "postgres"
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        SETTINGS.format(host=host, port=address.port or 5432, listen=port, user=user)
    )
    pooled = f"postgresql://{user}@127.0.0.1:{port}{address.path}"
    # Only the owner of PostgreSQL's files may use its socket, and pgbouncer refuses to be root.
    as_owner = ["-u", Path(host).owner()] if os.geteuid() == 0 and host.startswith("/") else []
    process = subprocess.Popen([program, "-q", *as_owner, str(settings)])
    try:
        wait_until(lambda: _answers(pooled), what="pgbouncer")
        yield pooled
    finally:
        process.terminate()
        process.wait(timeout=10)


def _answers(address: str) -> bool:
    try:
        with closing(psycopg.connect(address, connect_timeout=2)) as connection:
            return bool(connection.execute("SELECT 1").fetchone())
    except psycopg.Error:
        return False
