"""The tests do not touch the database of the site."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_tests_that_need_no_database_touch_none(tmp_path):
    file = tmp_path / "site.sqlite3"

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "calls/tests/formats/test_numbers.py"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": f"sqlite:///{file}"},
        check=False,
        capture_output=True,
        text=True,
    )

    assert run.returncode == 0, run.stdout
    assert not file.exists()
