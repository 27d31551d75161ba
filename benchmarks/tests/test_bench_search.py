"""The search benchmark on a small archive: it fills, queries, and compares with the bars."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from benchmarks.search.archive import QUESTIONS


@pytest.mark.processes
@pytest.mark.slow
def test_an_archive_is_filled_and_queried(tmp_path):
    out, target = StringIO(), tmp_path / "result.json"

    call_command("bench_search", "--calls", "200", "--times", "1", "--json", target, stdout=out)

    result = json.loads(target.read_text())
    found = {answer["name"]: answer["found"] for answer in result["answers"]}
    assert "200 calls" in out.getvalue()
    assert len(result["bars"]) == len(QUESTIONS)
    assert found["common word"] > 100
    assert found["a word in no call"] == 0
    assert 0 < found["common phrase"] < 200


@pytest.mark.parametrize("option", ["--calls=1", "--times=0"])
def test_odd_numbers_are_refused(option):
    with pytest.raises(CommandError, match="must be from"):
        call_command("bench_search", option)
