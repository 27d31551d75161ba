"""Schemathesis sends what the schema allows and what it forbids to every route of a real server."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

from benchmarks.rig.services import Service

pytestmark = [pytest.mark.processes, pytest.mark.slow]
HERE = Path(__file__).parent
WITH_KEY = "schemathesis.toml"
EVERY_SCOPE = ("ingest", "read", "supervise", "admin")
# A route that revokes keys is tried with small numbers, and must not find the key of the test.
OUT_OF_REACH = 2**40
TIMEOUT_S = 1200
# Of the schema. One run for each, so that a failure is found soon and tried again quickly.
TAGS = [
    "ingest", "results", "live", "lists", "alerts", "reports", "supervise", "privacy", "annotate",
    "administration",
]  # fmt: skip
ONE_BY_ONE = ("--phases", "examples,coverage,fuzzing")
NEW_KEY = f"""
from calls.keys import create_key
from calls.models import ApiKey
key, plain = create_key(name="schemathesis", scopes={EVERY_SCOPE!r})
ApiKey.objects.update(id={OUT_OF_REACH})
print(plain)
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("schemathesis")
    # It sends wrong keys on purpose, more than anybody may guess.
    settings = {"API_AUTH": "key", "API_KEY_GUESSES": "0", "WEBHOOK_ALLOW_PRIVATE": "none"}
    with Service(folder, **settings) as running:
        yield running


@pytest.fixture(scope="module")
def address(service) -> str:
    return service.web()


@pytest.fixture(scope="module")
def key(service) -> str:
    return service.run("shell", "-v", "0", "-c", NEW_KEY).stdout.strip().splitlines()[-1]


def run(address: str, config: str, *options: str) -> str:
    """Run schemathesis. Returns what it reported; fails if it found anything."""
    command = [sys.executable, "-m", "schemathesis.cli", "--no-color"]
    with TemporaryDirectory() as folder:  # it would try again what failed in an earlier run
        found = subprocess.run(
            [*command, "--config-file", str(HERE / config), "run", f"{address}/schema", *options],
            check=False,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            cwd=folder,
        )
    assert found.returncode == 0, found.stdout[-20_000:] + found.stderr[-2_000:]
    return found.stdout


@pytest.mark.parametrize("tag", TAGS)
def test_with_a_key_of_all_scopes_every_check_of_every_route_passes(address, key, tag):
    report = run(address, WITH_KEY, *authorised(key), *ONE_BY_ONE, "--include-tag", tag)

    # The key was valid until the end.
    assert "Authentication failed" not in report


def test_with_a_key_linked_requests_pass_every_check(address, key):
    report = run(address, WITH_KEY, *authorised(key), "--phases", "stateful")

    assert "Authentication failed" not in report


def authorised(key: str) -> list[str]:
    return ["--header", f"Authorization: Bearer {key}", "--max-examples", "10"]


def test_without_a_key_every_route_returns_401_or_403(address):
    report = run(address, "schemathesis_without_key.toml", "--max-examples", "5")

    assert "test cases" in report.lower()


def test_the_configuration_names_only_operations_that_exist(service):
    schema = yaml.safe_load(service.run("spectacular").stdout)
    operations = [each for methods in schema["paths"].values() for each in methods.values()]
    known = {each["operationId"] for each in operations}

    entries = tomllib.loads((HERE / WITH_KEY).read_text())["operations"]
    named = [each["include-operation-id"] for each in entries]

    assert {name for each in named for name in _as_list(each)} <= known
    assert {tag for each in operations for tag in each["tags"]} == set(TAGS)


def _as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
