"""The generated package in clients/python works with a real service."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from benchmarks.rig.services import Service
from benchmarks.rig.waiting import wait_until

ROOT = Path(__file__).parents[3]
CLIENT = ROOT / "clients" / "python"
SCOPES = ("ingest", "read", "supervise", "admin")
WORDS = "May I speak to your gardener?"
OPERATIONS = (
    "administration.create_rule",
    "alerts.acknowledge_alert",
    "alerts.list_alerts",
    "ingest.end_call",
    "ingest.send_batch",
    "ingest.send_packet",
    "ingest.start_call",
    "lists.list_calls",
    "results.get_call",
    "results.get_recording",
    "results.get_transcript",
)
pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the generated package lies."""
    folder = tmp_path_factory.mktemp("generated")
    subprocess.run(
        [sys.executable, CLIENT / "generate.py", folder / "callcenter_client"], check=True
    )
    return folder


@pytest.fixture(scope="module")
def package(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        found = {name: import_module(f"callcenter_client.api.{name}") for name in OPERATIONS}
        yield SimpleNamespace(
            **{name.partition(".")[2]: module for name, module in found.items()},
            **vars(import_module("callcenter_client.models")),
            AuthenticatedClient=import_module("callcenter_client").AuthenticatedClient,
        )


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with Service(tmp_path_factory.mktemp("client"), API_AUTH="key") as running:
        yield running


@pytest.fixture(scope="module")
def address(service):
    address = service.web()
    service.worker()
    return address


@pytest.fixture(scope="module")
def key(service):
    options = [option for scope in SCOPES for option in ("--scope", scope)]
    return service.run("create_api_key", "client", *options).stdout.split()[0]


@pytest.fixture(scope="module")
def client(package, address, key):
    timeout = httpx.Timeout(10, read=70)
    with package.AuthenticatedClient(base_url=address, token=key, timeout=timeout) as client:
        yield client


@pytest.fixture(scope="module")
def archived(package, client):
    """The id of a call that the client has sent and ended, and that a rule has found."""
    rule = package.RuleRequest(name="Asks for the gardener", kind="words", phrases="gardener")
    assert package.create_rule.sync(client=client, body=rule).rule
    package.start_call.sync(
        "c-1", client=client, body=package.DescriptionRequest(agent="Ana", queue="billing")
    )
    first = package.PacketRequest(sequence=1, timestamp=0.4, track="customer", data="Good morning.")
    assert package.send_packet.sync("c-1", client=client, body=first).status == "accepted"
    more = [package.PacketRequest(sequence=2, timestamp=2.4, track="customer", data=WORDS)]
    assert package.send_batch.sync("c-1", client=client, body=more).accepted == 1
    assert package.end_call.sync("c-1", client=client).status == "processing_initiated"
    return "c-1"


def test_a_transcript_is_waited_for_and_typed(package, client, archived):
    transcript = package.get_transcript.sync(archived, client=client, wait=60)

    assert transcript.live is False
    assert [turn.speaker for turn in transcript.turns] == ["customer"]
    assert WORDS in transcript.turns[0].text
    assert transcript.sentiment.overall["customer"].label in ("POSITIVE", "NEUTRAL", "NEGATIVE")


def test_calls_are_listed_by_filters(package, client, archived):
    page = package.list_calls.sync(client=client, agent="Ana", queue="billing")
    nobody = package.list_calls.sync(client=client, agent="Nobody")

    assert [call.call_id for call in page.results] == [archived]
    assert nobody.results == []
    assert package.get_call.sync(archived, client=client).streams[0].packet_count == 2


def test_alerts_are_read_and_acknowledged(package, client, archived):
    [alert] = wait_until(
        lambda: package.list_alerts.sync(client=client, call_id=archived).results,
        what="the alert",
    )

    seen = package.acknowledge_alert.sync(
        alert.alert, client=client, body=package.AcknowledgementRequest(note="Called back.")
    )

    assert (alert.rule, alert.state, alert.acknowledged_at) == (
        "Asks for the gardener",
        "open",
        None,
    )
    assert (seen.status, seen.state, seen.note) == ("acknowledged", "acknowledged", "Called back.")


def test_errors_are_typed_responses_with_a_reason(package, client):
    wrong = package.PacketRequest(sequence=-1, timestamp=0, data="Hello.")

    malformed = package.send_packet.sync_detailed("c-2", client=client, body=wrong)
    unknown = package.get_recording.sync_detailed("nobody", client=client)

    assert (malformed.status_code, type(malformed.parsed)) == (400, package.InvalidRequest)
    assert "sequence" in malformed.parsed.additional_properties
    assert (unknown.status_code, unknown.parsed) == (404, package.Error("There is no call nobody."))


def test_a_wrong_key_is_a_typed_response(package, address):
    with package.AuthenticatedClient(base_url=address, token="cc_wrong") as stranger:
        answer = package.list_calls.sync_detailed(client=stranger)

    assert (answer.status_code, type(answer.parsed)) == (401, package.Error)


def test_the_example_runs(folder, address, key):
    ended = subprocess.run(
        [sys.executable, CLIENT / "examples" / "one_call.py"],
        env={
            **os.environ,
            "PYTHONPATH": str(folder),
            "CALLCENTER_URL": address,
            "CALLCENTER_KEY": key,
        },
        check=False,
        capture_output=True,
        text=True,
    )

    assert ended.returncode == 0, ended.stderr
    assert "NEGATIVE" in ended.stdout
    assert "You charged me twice for March." in ended.stdout


@pytest.mark.slow
def test_the_package_and_the_example_pass_strict_type_checks(folder, tmp_path):
    options = ["--strict", "--config-file", os.devnull, "--cache-dir", str(tmp_path)]
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "callcenter_client", CLIENT / "examples"],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )

    assert checked.returncode == 0, checked.stdout
