"""The dashboard and the alert rules that come with the service, checked by Prometheus' own tool."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from calls.tests.programs import installed

ROOT = Path(__file__).parents[3]
DASHBOARD = ROOT / "deploy/grafana/callcenter.json"
RULES = ROOT / "deploy/prometheus/alerts.yml"
RULE_TESTS = ROOT / "deploy/prometheus/alerts_test.yml"
GUIDE = ROOT / "docs/monitoring.md"
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum", ""), "gauge": ("",)}


def panels():
    found = json.loads(DASHBOARD.read_text())["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def promtool(*arguments):
    command = [installed("promtool"), *arguments]
    result = subprocess.run(
        command, cwd=RULES.parent, capture_output=True, text=True, timeout=60, check=False
    )
    return result.returncode, result.stdout + result.stderr


def names_in(text):
    return set(re.findall(r"callcenter_\w+", text))


def alerts():
    return re.findall(r"- alert: (\w+)", RULES.read_text())


@pytest.mark.django_db
@pytest.mark.parametrize("path", [DASHBOARD, RULES, RULE_TESTS, GUIDE], ids=lambda path: path.name)
def test_every_metric_that_is_named_exists(client, heartbeat, path):
    text = client.get("/metrics").content.decode()

    known = {
        family.name + suffix
        for family in text_string_to_metric_families(text)
        for suffix in SUFFIXES[family.type]
    }

    assert names_in(path.read_text()) - known == set()


@pytest.mark.django_db
def test_the_guide_names_every_metric(client, heartbeat):
    text = client.get("/metrics").content.decode()

    guide = GUIDE.read_text()
    names = [family.name for family in text_string_to_metric_families(text)]
    assert [name for name in names if name not in guide] == []


def test_prometheus_accepts_the_rules_and_their_tests_pass():
    status, output = promtool("check", "rules", RULES.name)
    assert status == 0, output
    status, output = promtool("test", "rules", RULE_TESTS.name)
    assert status == 0, output


def test_prometheus_understands_every_panel_of_the_dashboard(tmp_path):
    queries = [target["expr"] for panel in panels() for target in panel["targets"]]
    rules = [
        {"record": f"panel:{number}", "expr": query.replace("$__rate_interval", "5m")}
        for number, query in enumerate(queries)
    ]
    file = tmp_path / "panels.yml"  # JSON is YAML
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))

    status, output = promtool("check", "rules", str(file))

    assert status == 0, output


def test_panels_have_titles_and_do_not_overlap():
    taken = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert panel["title"]
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_every_alert_has_a_test_and_says_what_to_do():
    tested, guide = RULE_TESTS.read_text(), GUIDE.read_text()

    assert len(alerts()) == len(set(alerts()))
    for name in alerts():
        assert f'alertname="{name}"' in tested, name
        assert f"\n### {name}\n" in guide, name
        assert f"runbook: docs/monitoring.md#{name.lower()}\n" in RULES.read_text(), name
