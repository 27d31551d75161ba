"""Run a command with its own PostgreSQL server: `python -m calls.tests.with_postgres pytest`.

With `--volatile` before the command, the server does not wait for the disk. Use it for tests, not
for measurements.
"""

import sys

from benchmarks.rig.postgres import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
