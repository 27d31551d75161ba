"""Gives a run its own folder, database and settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.rig.databases import ROOT, Database, scratch_database
from benchmarks.rig.servers import RunError, Server
from benchmarks.rig.workers import Worker

LOCAL_MODELS = {
    "AI_PROVIDER": "local",
    "AI_CHAOS_FAILURE_RATE": "0",
    "AI_CHAOS_LATENCY": "0",
    "LOG_LEVEL": "ERROR",
}


@dataclass(frozen=True)
class Site:
    folder: Path
    database: Database
    environment: dict[str, str]

    def server(self, kind: str = "uvicorn", **settings: str) -> Server:
        return Server(kind, environment={**self.environment, **settings}, folder=self.folder)

    def worker(self) -> Worker:
        return Worker(environment=self.environment, folder=self.folder)

    def execute(self, *arguments: str) -> str:
        """Run Python with these arguments, and return its output.

        It runs at a low priority, so as not to disturb the measurement: starting Django takes a
        core for a second.
        """
        done = subprocess.run(
            ["nice", "-n", "15", sys.executable, *arguments],  # noqa: S607 (of this machine)
            cwd=ROOT, env=self.environment, check=False, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise RunError(f"{' '.join(arguments)} failed: {done.stderr[-2000:]}")
        return done.stdout

    def ask(self, module: str, *arguments: object) -> Any:
        """Run a module that prints a line of JSON, and return its value."""
        return json.loads(self.execute("-m", module, *map(str, arguments)))


@contextmanager
def scratch_site(**settings: str) -> Iterator[Site]:
    """Make a folder and a migrated database, and remove both afterwards.

    The API requires keys, as in production, unless ``settings`` turns that off.
    """
    with (
        tempfile.TemporaryDirectory(prefix="callcenter-bench-") as name,
        scratch_database(Path(name)) as database,
    ):
        own = {"DATABASE_URL": database.url, "MEDIA_ROOT": f"{name}/media", "API_AUTH": "key"}
        own["SHUTDOWN_DELAY"] = "0"
        yield Site(Path(name), database, {**os.environ, **own, **settings})
