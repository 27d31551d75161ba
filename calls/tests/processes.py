"""Real web and worker processes with a database of their own, for tests and benchmarks."""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg

PATIENCE_S = 30.0
WS_PROTOCOL = "supervisor.protocol:WebSocketProtocol"  # as every start of the service has it
ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_until(condition, *, patience_s=PATIENCE_S, what="the condition"):
    """Return the first true value of ``condition``; fail when it does not come in time."""
    deadline = time.monotonic() + patience_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come about within {patience_s:g} s")
        time.sleep(0.02)
    return value


def scratch_database(folder: Path) -> str:
    """Make an empty database with all migrations; return its address.

    Migrating takes seconds, so it is done once; every database is a copy of the first.
    """
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        file = folder / "service.sqlite3"
        shutil.copyfile(_sqlite_template(), file)
        return f"sqlite:///{file}"
    name = f"service_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{_postgres_template(server)}"')
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


@functools.cache
def _sqlite_template() -> Path:
    folder = tempfile.mkdtemp(prefix="callcenter-template-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = Path(folder) / "template.sqlite3"
    _migrate(f"sqlite:///{file}")
    return file


@functools.cache
def _postgres_template(server: str) -> str:
    name = f"template_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    _migrate(urlunsplit(urlsplit(server)._replace(path=f"/{name}")))
    return name


def _migrate(database: str) -> None:
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT, env={**os.environ, "DATABASE_URL": database}, check=True,
    )  # fmt: skip


class Service:
    """Starts processes of this checkout against one scratch database. ``close`` ends them all."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.database = scratch_database(folder)
        self.environment = {
            **os.environ,
            "DATABASE_URL": self.database,
            "MEDIA_ROOT": str(folder / "media"),
            "AI_CHAOS_FAILURE_RATE": "0",
            "AI_CHAOS_LATENCY": "0",
            "LOG_LEVEL": "ERROR",
            **environment,
        }
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a management command to its end."""
        result = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.environment, check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert not check or result.returncode == 0, result.stdout + result.stderr
        return result

    def start(self, *command: str, log: str = "log") -> subprocess.Popen[bytes]:
        with (self.folder / f"{log}.txt").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT, env=self.environment, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def web(self, *options: str) -> str:
        """Start a web process and return its address once it answers."""
        port = free_port()
        self.start(
            *("-m", "uvicorn", "callcenter.asgi:application", "--port", str(port)),
            *("--log-level", "warning", "--ws", WS_PROTOCOL, *options),
            log="web",
        )
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(f"{address}/healthz"), what=f"{address}/healthz")
        return address

    def worker(self) -> subprocess.Popen[bytes]:
        return self.start("manage.py", "qcluster", log="worker")

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.txt").read_text()

    def close(self) -> None:
        for process in self.processes:
            with_children = descendants(process.pid)
            process.terminate()
            try:
                process.wait(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for child in with_children:
                if child.is_running():
                    child.kill()


def descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def kill(process: psutil.Process) -> None:
    os.kill(process.pid, signal.SIGKILL)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return response.status == 200
    except OSError:
        return False


def get(url: str) -> dict:
    with urllib.request.urlopen(url, timeout=10) as response:
        return json.load(response)


def post(url: str, body: object = None) -> dict:
    request = urllib.request.Request(
        url,
        data=json.dumps(body).encode() if body is not None else b"",
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)
