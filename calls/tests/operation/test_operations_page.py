"""The commands in docs/operations.md work, in the order of the page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from benchmarks.rig.databases import ROOT, empty_database, scratch_database
from benchmarks.rig.waiting import free_port
from calls.tests.operation.stage import accepted, set_stage, stop_all
from calls.tests.operation.test_backups import programs
from calls.tests.programs import installed

PAGE = ROOT / "docs" / "operations.md"
BLOCK = re.compile(r"^```sh ?(?P<kind>\w*)\n(?P<commands>.*?)^```$", re.MULTILINE | re.DOTALL)
SECRET = "Zk3v9Q-pe8hR_0tYwN2mUxLsB7cJdGfA5oVi1qTzEbHnKaPyCr6uXgWjSlMDFO4e"
KINDS = {"run", "systemd", "docker", "kubernetes"}
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


@pytest.mark.slow
@pytest.mark.processes
def test_the_commands_for_systemd_install_restart_and_upgrade_a_site(tmp_path):
    installed("curl")
    if connection.vendor != "postgresql":
        pytest.skip("several processes need PostgreSQL")
    stage = tmp_path / "stage"
    environment = set_stage(stage)
    ports = {port: str(free_port()) for port in ("8001", "8002", "8003")}
    install, *rest = [placed(text, stage, ports) for kind, text in blocks() if kind == "systemd"]

    with scratch_database(tmp_path) as database:
        try:
            run_on(stage, install, environment)
            fill_in(stage / "etc/callcenter/environment", database.url, stage)
            for commands in rest:
                run_on(stage, commands, environment)
            units = {file.stem for file in stage.glob("*.pid")}
        finally:
            stop_all(stage)

    assert units == {
        *(f"callcenter-web@{port}" for port in ports.values()),
        "callcenter-worker@1",
        "callcenter-worker@2",
    }


def placed(text, stage, ports):
    """Move the commands to the stage."""
    for path in ("/opt/", "/etc/"):
        text = text.replace(path, f"{stage}{path}")
    for port, free in ports.items():
        text = text.replace(port, free)
    return text


def run_on(stage, commands, environment):
    where = stage / "opt" / "callcenter"
    done = subprocess.run(
        ["bash", "-c", f"set -euo pipefail\n{commands}"], env=environment, check=False,
        cwd=where if where.exists() else stage, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    logs = "".join(file.read_text()[-1000:] for file in stage.glob("*.log"))
    assert done.returncode == 0, commands + done.stdout + done.stderr + logs


def fill_in(file, database, stage):
    """Fill in the file with the settings, as an operator does."""
    own = {"SECRET_KEY": SECRET, "DATABASE_URL": database, "MEDIA_ROOT": str(stage / "media"),
           "ALLOWED_HOSTS": "127.0.0.1", "LIVE_TRANSCRIPTION": "off"}  # fmt: skip
    lines = [line for line in file.read_text().splitlines() if line.partition("=")[0] not in own]
    file.write_text("\n".join([*lines, *(f"{name}={value}" for name, value in own.items())]) + "\n")


def test_the_commands_for_docker_and_kubernetes_name_what_exists(tmp_path):
    stage = tmp_path / "stage"
    environment = set_stage(stage)
    told = "".join(text for kind, text in blocks() if kind in ("docker", "kubernetes"))

    run_on(stage, told, environment)

    lines = [line.split() for line in told.splitlines()]
    wanted = [" ".join(line[:2]) for line in lines if line[0] in ("docker", "kubectl")]
    assert accepted(stage) == wanted
    with pytest.raises(AssertionError, match="stage: docker compose up"):
        run_on(stage, "docker compose up nobody", environment)


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
        "SECRET_KEY": SECRET,
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": database,
        "NEW_DATABASE_URL": new_database,
        "MEDIA_ROOT": str(folder / "media"),
        "BACKUPS": str(folder),
        "DJANGO_SUPERUSER_PASSWORD": "a long enough password",
        "SHUTDOWN_DELAY": "0",
        "LIVE_TRANSCRIPTION": "off",
    }
