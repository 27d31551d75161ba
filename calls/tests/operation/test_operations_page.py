"""The commands in docs/operations.md work, in the order of the page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.rig.databases import ROOT, empty_database
from benchmarks.rig.waiting import free_port
from calls.tests.operation.test_backups import programs
from calls.tests.programs import installed

PAGE = ROOT / "docs" / "operations.md"
BLOCK = re.compile(r"^```sh ?(?P<kind>\w*)\n(?P<commands>.*?)^```$", re.MULTILINE | re.DOTALL)
KINDS = {"run", "systemd", "docker"}
# The shell stops at the first command that fails, and takes what it has started with it.
SHELL = "set -euo pipefail; set -m; trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n"


def blocks():
    return [(found["kind"], found["commands"]) for found in BLOCK.finditer(PAGE.read_text())]


def test_every_block_of_commands_says_where_it_can_be_run():
    assert {kind for kind, _ in blocks()} == KINDS
    assert PAGE.read_text().count("```sh") == len(blocks())


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\bdeploy/[\w./*-]+", PAGE.read_text()))))
def test_files_that_the_page_names_exist(path):
    assert list(ROOT.glob(path.rstrip(".")))


@pytest.mark.slow
@pytest.mark.processes
def test_the_commands_work_one_after_the_other(tmp_path):
    installed("curl")
    checkout = tmp_path / "checkout"
    copy_checkout(checkout)
    script = SHELL + "".join(text for kind, text in blocks() if kind == "run")
    for port in ("8001", "8002"):
        script = script.replace(port, str(free_port()))
    (tmp_path / "new").mkdir()
    with empty_database(tmp_path) as first, empty_database(tmp_path / "new") as second:
        environment = settings_of(tmp_path, first.url, second.url)
        done = subprocess.run(
            ["bash", "-c", script], cwd=checkout, env=environment, check=False,
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "Restored the state of" in done.stdout


def copy_checkout(target: Path):
    """Copy what is part of the repository: the commands write into the checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        source = ROOT / name
        if source.is_file() and "/tests/" not in name:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target / name)


def settings_of(folder, database, new_database):
    path = [str(Path(sys.executable).parent), programs(), os.environ["PATH"]]
    return {
        "PATH": os.pathsep.join(path),
        "HOME": str(folder),
        "SECRET_KEY": "Zk3v9Q-pe8hR_0tYwN2mUxLsB7cJdGfA5oVi1qTzEbHnKaPyCr6uXgWjSlMDFO4e",
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": database,
        "NEW_DATABASE_URL": new_database,
        "MEDIA_ROOT": str(folder / "media"),
        "BACKUPS": str(folder),
        "DJANGO_SUPERUSER_PASSWORD": "a long enough password",
        "SHUTDOWN_DELAY": "0",
        "LIVE_TRANSCRIPTION": "off",
    }
