"""The files in deploy/, compose.yaml and the Dockerfile are valid, and agree with each other."""

from __future__ import annotations

import re
import subprocess

import kubernetes_validate
import pytest
import yaml
from django.core.management import get_commands
from django.urls import get_resolver

from benchmarks.rig.databases import ROOT
from benchmarks.rig.nginx import configure, move_below
from benchmarks.rig.waiting import free_port
from callcenter.local_settings import env as site
from calls.api.waiting import MAX_WAIT_S
from calls.tests.programs import installed

UNITS = ROOT / "deploy" / "systemd"
NGINX = ROOT / "deploy" / "nginx"
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
MANIFEST = ROOT / "deploy" / "kubernetes" / "callcenter.yaml"
OBJECTS = yaml.safe_load(MANIFEST.read_text())["items"]
# The oldest release that still gets patches, and the newest.
KUBERNETES = ("1.32", "1.37")


def test_nginx_accepts_its_configuration_without_a_warning(tmp_path):
    program = installed("nginx")

    done = subprocess.run(
        [program, "-t", "-p", str(tmp_path), "-e", str(tmp_path / "error.log"),
         "-c", str(configure(tmp_path, free_port(), [8001, 8002]))],
        check=False, capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr
    upstream = (tmp_path / "callcenter-upstream.conf").read_text()
    assert re.findall(r"server (\S+)", upstream) == ["127.0.0.1:8001", "127.0.0.1:8002"]


def test_the_documented_command_moves_every_location_of_nginx_below_a_path(tmp_path):
    command = re.search(r"sed -i .*", (ROOT / "docs" / "operations.md").read_text())[0]
    file = tmp_path / "callcenter-proxy.conf"
    file.write_text((NGINX / "callcenter-proxy.conf").read_text())

    subprocess.run(["sh", "-c", command.replace("/etc/nginx/snippets", str(tmp_path))], check=True)

    locations = re.findall(r"^location (?:~ )?\^?(\S+)", file.read_text(), re.MULTILINE)
    assert len(locations) > 4
    assert all(each.startswith(("/calls/", "@")) for each in locations)
    assert file.read_text() == move_below("/calls", (NGINX / "callcenter-proxy.conf").read_text())


@pytest.mark.parametrize(
    ("address", "logged"),
    [
        ("/v1/call?token=secret", "/v1/call"),
        ("/calls/supervisor/wall/7/secret/", "/calls/supervisor/wall/..."),
        ("/supervisor/login/reset/MQ/secret/", "/supervisor/login/reset/..."),
    ],
)
def test_the_access_log_of_nginx_has_no_tokens(address, logged):
    text = (NGINX / "callcenter.conf").read_text()
    rules = re.findall(r'^    "~(.+?)" "?(\S+?)"?;$', text, re.MULTILINE)
    assert len(rules) == 2

    matches = (re.match(pattern.replace("(?<", "(?P<"), address) for pattern, _ in rules)
    match, shown = next(
        (match, shown) for match, (_, shown) in zip(matches, rules, strict=True) if match
    )

    for name, value in match.groupdict().items():
        shown = shown.replace(f"${{{name}}}", value).replace(f"${name}", value)
    assert shown == logged


def test_nginx_waits_for_a_transcript_as_long_as_a_client_may():
    text = (NGINX / "callcenter-proxy.conf").read_text()
    every = re.search(r"location / \{(.*?)\}", text, re.DOTALL)

    assert int(re.search(r"proxy_read_timeout (\d+)s", every[1])[1]) > MAX_WAIT_S


def test_systemd_lets_the_service_write_every_file_that_it_keeps():
    set_here = dict(
        re.findall(r"^(\w+)=(.+)$", (ROOT / "deploy/systemd/environment").read_text(), re.MULTILINE)
    )

    kept = re.findall(r"^#(\w+)=var/", (ROOT / ".env.example").read_text(), re.MULTILINE)

    assert set(kept) == {"MEDIA_ROOT", "ERASURE_LEDGER"}
    for name in kept:
        assert set_here[name].startswith("/var/lib/callcenter/")


@pytest.mark.parametrize("kind", ["web", "worker"])
def test_systemd_accepts_the_units(tmp_path, kind):
    program = installed("systemd-analyze")
    python = tmp_path / "python"
    python.touch(mode=0o755)
    text = (UNITS / f"callcenter-{kind}@.service").read_text()
    unit = tmp_path / f"callcenter-{kind}@1.service"
    unit.write_text(text.replace("/opt/callcenter/.venv/bin/python", str(python)))
    (tmp_path / "callcenter.target").write_text((UNITS / "callcenter.target").read_text())

    done = subprocess.run(
        [program, "verify", "--man=no", "--recursive-errors=no", str(unit)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")


def test_processes_get_enough_time_to_stop():
    web = (UNITS / "callcenter-web@.service").read_text()

    seconds = int(re.search(r"TimeoutStopSec=(\d+)", web)[1])

    assert seconds > 1 + 10 + 10  # SHUTDOWN_DELAY, SHUTDOWN_TIMEOUT, and what stores the buffer
    for name in ("web-1", "web-2", "worker-1", "worker-2"):
        assert COMPOSE[name]["stop_grace_period"] == f"{seconds}s"


def test_containers_run_without_rights_and_cannot_write_to_their_image():
    for name in ("web-1", "web-2", "worker-1", "worker-2", "migrate"):
        service = COMPOSE[name]
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert "\nUSER 10001\n" in (ROOT / "Dockerfile").read_text()


def test_compose_has_no_password_of_its_own():
    text = (ROOT / "compose.yaml").read_text()

    secrets = re.findall(r"\$\{(POSTGRES_PASSWORD|SECRET_KEY)(:.)", text)
    assert set(secrets) == {("POSTGRES_PASSWORD", ":?"), ("SECRET_KEY", ":?")}


def test_compose_and_nginx_agree_about_addresses_and_files():
    servers = re.findall(r"server (\S+):8000", (NGINX / "compose-upstream.conf").read_text())

    web = [COMPOSE[name] for name in ("web-1", "web-2")]
    assert [each["networks"]["default"]["ipv4_address"] for each in web] == servers
    assert all("healthcheck" in each for each in (*web, COMPOSE["db"], COMPOSE["proxy"]))
    for volume in COMPOSE["proxy"]["volumes"]:
        assert (ROOT / volume.split(":")[0]).is_file()


def compose_config(**environment):
    return subprocess.run(
        [installed("docker-compose"), "--file", str(ROOT / "compose.yaml"), "config", "--quiet"],
        env={"PATH": "/usr/bin:/bin", **environment}, check=False, capture_output=True, text=True,
    )  # fmt: skip


def test_compose_takes_its_file_and_demands_each_secret():
    secrets = {"SECRET_KEY": "x", "POSTGRES_PASSWORD": "y"}

    valid = compose_config(**secrets)

    assert (valid.returncode, valid.stderr) == (0, "")
    for name, value in secrets.items():
        assert (
            "must be set, to the same value at every start"
            in compose_config(**{name: value}).stderr
        )


def faults_of(item, version):
    """Return what the schemas of a version of Kubernetes refuse in a manifest."""
    try:
        kubernetes_validate.validate(item, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize(
    "item", OBJECTS, ids=lambda item: f"{item['kind']} {item['metadata']['name']}"
)
def test_kubernetes_takes_the_manifests(item, version):
    assert faults_of(item, version) == ""
    assert "surprise" in faults_of({**item, "surprise": 1}, version)


def pods():
    return [item["spec"]["template"] for item in OBJECTS if "template" in item.get("spec", {})]


def test_pods_run_without_rights_and_cannot_write_to_their_image():
    for pod in (each["spec"] for each in pods()):
        assert pod["securityContext"]["runAsNonRoot"]
        assert (
            f"\nUSER {pod['securityContext']['runAsUser']}\n" in (ROOT / "Dockerfile").read_text()
        )
        assert not pod["automountServiceAccountToken"]
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_manifests_name_settings_commands_and_routes_that_exist(client):
    (settings,) = (item["data"] for item in OBJECTS if item["kind"] == "ConfigMap")
    (ingress,) = (item for item in OBJECTS if item["kind"] == "Ingress")
    published = [each["path"] for each in ingress["spec"]["rules"][0]["http"]["paths"]]
    containers = [each for pod in pods() for each in pod["spec"]["containers"]]
    probes = [each[name] for each in containers for name in each if name.endswith("Probe")]

    assert settings.keys() - {"PROFILE"} <= site.catalogue.keys()
    assert {each["command"][2] for each in containers} <= get_commands().keys()
    assert {probe["httpGet"]["path"] for probe in probes} == {"/healthz", "/readyz"}
    roots = {f"/{str(each.pattern).partition('/')[0]}" for each in get_resolver().url_patterns}
    assert {*published, "/metrics", "/healthz", "/readyz"} == roots | {"/stream", "/static"}


def test_pods_get_more_time_to_stop_than_they_take():
    (settings,) = (item["data"] for item in OBJECTS if item["kind"] == "ConfigMap")
    seconds = {
        each["metadata"]["labels"]["part"]: each["spec"].get("terminationGracePeriodSeconds")
        for each in pods()
    }

    stopping = int(settings["SHUTDOWN_DELAY"]) + int(settings["SHUTDOWN_TIMEOUT"]) + 10
    assert seconds["web"] > stopping
    assert seconds["worker"] > 20


def test_labels_of_pods_are_those_that_select_them():
    labels = [pod["metadata"]["labels"] for pod in pods()]
    selectors = [item["spec"]["selector"] for item in OBJECTS if "selector" in item.get("spec", {})]

    for selector in selectors:
        wanted = selector.get("matchLabels", selector)
        assert [each for each in labels if wanted.items() <= each.items()], selector


# The release of PostgreSQL in each release of Debian, whose client programs are in the image.
CLIENTS = {"bookworm": 15, "trixie": 17}


def test_the_image_can_back_up_the_database_of_compose():
    bases = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    server = int(COMPOSE["db"]["image"].partition(":")[2])

    assert len(set(bases)) == 1, "what is compiled in one must run in the other"
    # pg_dump refuses a server that is newer than itself.
    assert CLIENTS[bases[0].rpartition("-")[2]] >= server
