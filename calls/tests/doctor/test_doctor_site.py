"""The doctor checks a real site, with and without a proxy that drops headers."""

import json

import pytest

from benchmarks.rig.services import Service

pytestmark = pytest.mark.processes


def test_a_site_that_is_reached_directly_is_seen_as_it_was_asked(tmp_path):
    with Service(tmp_path) as service:
        address = service.web()
        result = service.run("doctor", "--json", "--url", address, check=False)

    found = {each["check"]: each["level"] for each in json.loads(result.stdout)["findings"]}
    assert found["site"] == found["proxy scheme"] == found["proxy host"] == "ok"
    assert found["client address"] == found["WebSockets"] == "ok"
    assert result.returncode == 2  # no worker runs
