"""Stands in for programs that need root, so that a page of commands can be run as it is.

``python stage.py PROGRAM ARGUMENTS``. It refuses what the real program would:
units, services and files that do not exist. Units are really started, as their files say.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml

from benchmarks.rig.databases import ROOT

STAGE = Path(os.environ.get("STAGE", "/nonexistent"))
OPT = STAGE / "opt" / "callcenter"
PROGRAMS = ("sudo", "useradd", "createuser", "createdb", "git", "python3", "pip", "systemctl",
            "nginx", "certbot", "docker", "kubectl", "install")  # fmt: skip


def refuse(reason):
    sys.exit(f"stage: {reason}")


def useradd(*arguments):
    pass


createuser = createdb = certbot = useradd


def sudo(*arguments):
    if arguments[:2] != ("-u", "postgres"):
        refuse(f"sudo {arguments}")
    subprocess.run(arguments[2:], check=True)


def git(command, *arguments):
    if command == "clone":
        from calls.tests.operation.test_operations_page import copy_checkout

        os.environ["PATH"] = "/usr/bin:/bin"  # the real one
        copy_checkout(Path(arguments[-1]))
    elif command not in ("fetch", "checkout"):
        refuse(f"git {command}")


def python3(*arguments):
    """Make an environment that has what this one has."""
    if arguments[:2] != ("-m", "venv"):
        refuse(f"python3 {arguments}")
    folder = Path(arguments[2]) / "bin"
    folder.mkdir(parents=True)
    write_script(folder / "python", f'exec {sys.executable} "$@"')
    write_stand_in(folder / "pip", "pip")


def pip(command, *arguments):
    for name in arguments[1::2]:
        if not Path(name).is_file():
            refuse(f"pip: there is no {name}")


def install(*arguments):
    """Without the group, which useradd has not made."""
    at = arguments.index("-g")
    subprocess.run(["/usr/bin/install", *arguments[:at], *arguments[at + 2 :]], check=True)


def nginx(*arguments):
    for name in ("conf.d/callcenter.conf", "conf.d/callcenter-upstream.conf",
                 "snippets/callcenter-proxy.conf"):  # fmt: skip
        if not (STAGE / "etc" / "nginx" / name).is_file():
            refuse(f"nginx: there is no {name}")


def docker(compose, command, *arguments):
    known = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    named = [each for each in arguments if not each.startswith("-")]
    services = named[:1] if command == "exec" else named
    if compose != "compose" or command not in ("up", "exec") or set(services) - known.keys():
        refuse(f"docker {compose} {command} {arguments}")
    if command == "exec" and not (ROOT / named[2]).is_file():
        refuse(f"{named}")


def kubectl(command, *arguments):
    items = yaml.safe_load((ROOT / "deploy/kubernetes/callcenter.yaml").read_text())["items"]
    known = {f"{item['kind'].lower()}/{item['metadata']['name']}" for item in items}
    words = " ".join(arguments).replace("job callcenter", "job/callcenter").replace(
        "deploy/", "deployment/"
    )  # fmt: skip
    named = set(
        re.findall(r"(?:job|deployment)/[\w-]+", words.replace("deployment/kubernetes", ""))
    )
    if command not in ("create", "apply", "wait", "exec", "delete", "rollout") or named - known:
        refuse(f"kubectl {command} {arguments}")
    if "-f" in arguments and not (ROOT / arguments[arguments.index("-f") + 1]).is_file():
        refuse(f"kubectl {command} {arguments}")
    if "-l" in arguments:
        name, _, value = arguments[arguments.index("-l") + 1].partition("=")
        if not any(item["metadata"].get("labels", {}).get(name) == value for item in items):
            refuse(f"kubectl {command} {arguments}")


# --- Units
def systemctl(command, *arguments):
    units = [each for each in arguments if each.startswith("callcenter")]
    if command == "enable":
        for unit in units:
            start(unit)
    elif command == "restart":
        for unit in units:
            stop(unit)
            start(unit)
    elif command not in ("daemon-reload", "reload"):
        refuse(f"systemctl {command}")


def settings_of(unit):
    """Return the lines of the section [Service], with the name of the instance."""
    template, _, instance = unit.partition("@")
    text = (STAGE / "etc/systemd/system" / f"{template}@.service").read_text()
    lines = text.replace("%i", instance).replace("/opt/callcenter", str(OPT))
    pairs = [line.partition("=") for line in lines.splitlines() if "=" in line]
    return {name: value for name, _, value in pairs}


def start(unit):
    service = settings_of(unit)
    file = STAGE / service["EnvironmentFile"].lstrip("/")
    given = [line.partition("=") for line in file.read_text().splitlines() if line[:1].isupper()]
    environment = {name: value for name, _, value in given}
    with (STAGE / f"{unit}.log").open("ab") as log:
        process = subprocess.Popen(
            shlex.split(service["ExecStart"]), cwd=service["WorkingDirectory"],
            env={"PATH": "/usr/bin:/bin", **environment}, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    (STAGE / f"{unit}.pid").write_text(str(process.pid))


def stop(unit):
    process = int((STAGE / f"{unit}.pid").read_text())
    os.kill(process, signal.SIGTERM)
    ends_at = time.monotonic() + float(settings_of(unit)["TimeoutStopSec"])
    while is_alive(process):
        if time.monotonic() > ends_at:
            refuse(f"{unit} did not end in time")
        time.sleep(0.05)


def is_alive(process):
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def stop_all(stage):
    for file in stage.glob("*.pid"):
        process = int(file.read_text())
        if is_alive(process):
            os.killpg(process, signal.SIGKILL)


# --- The stage
def write_script(path, command):
    path.write_text(f"#!/bin/sh\n{command}\n")
    path.chmod(0o755)


def write_stand_in(path, name):
    # Not as a module: Python would look for it in the copy of the checkout, which has no tests.
    write_script(path, f'PYTHONPATH={ROOT} exec {sys.executable} {Path(__file__)} {name} "$@"')


def set_stage(folder):
    """Make the folders that the commands expect, and the stand-ins. Returns the environment."""
    for name in ("opt", "bin", "etc/nginx/conf.d", "etc/nginx/snippets", "etc/systemd/system"):
        (folder / name).mkdir(parents=True)
    for name in PROGRAMS:
        write_stand_in(folder / "bin" / name, name)
    return {"STAGE": str(folder), "PATH": f"{folder / 'bin'}:/usr/bin:/bin", "HOME": str(folder)}


def accepted(folder):
    """Return the commands that the stand-ins have carried out, without a refusal."""
    return (folder / "accepted").read_text().splitlines()


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
    with (STAGE / "accepted").open("a") as commands:
        commands.write(f"{' '.join(sys.argv[1:3])}\n")
