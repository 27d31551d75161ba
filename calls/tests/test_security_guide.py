"""docs/security.md: each of its commands does what it says, in the production profile."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.rig.services import Service

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
COMMANDS = [
    line
    for block in BLOCK.findall((ROOT / "docs" / "security.md").read_text())
    for line in block.splitlines()
]
pytestmark = pytest.mark.processes

# A word of each command, and what its output has.
EXPECTED = {
    "openssl": r"^[\w+/=]{64}$",
    "check --deploy": r"no issues",
    "/healthz": r"(?s)^HTTP/1.1 200 OK.*permissions-policy: .*cross-origin-resource-policy: ",
    "axes_list_attempts": r"^$",
    "axes_reset_username": r"No attempts found",
    "create_api_key": r"cc_",
    "5000000 /dev/zero | curl -s --data": r'^{"detail": "The body is larger than the limit of ',
    "chunked": r'^{"detail": "The body is larger than the limit of ',
}


@pytest.fixture(scope="module")
def production(tmp_path_factory):
    settings = {
        "PROFILE": "production",
        "SECRET_KEY": "".join(f"{number:x}" for number in range(60)),
        "ALLOWED_HOSTS": "calls.example.com,127.0.0.1",
    }
    with Service(tmp_path_factory.mktemp("production"), **settings) as service:
        yield service, service.web()


def test_every_command_is_expected():
    assert len(COMMANDS) == len(EXPECTED)
    assert all(any(word in command for word in EXPECTED) for command in COMMANDS)


@pytest.mark.parametrize("word", EXPECTED)
def test_a_command_of_the_guide_works(production, word):
    service, address = production
    [command] = [command for command in COMMANDS if word in command]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    ended = subprocess.run(
        ["bash", "-ceuo", "pipefail", command.replace("http://127.0.0.1:8000", address)],
        cwd=ROOT,
        env={**service.environment, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert re.search(EXPECTED[word], ended.stdout), ended
    # curl may find the connection closed while it still sends the body.
    assert ended.returncode == 0 or "/dev/zero" in command
