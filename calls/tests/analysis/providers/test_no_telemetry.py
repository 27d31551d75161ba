"""Libraries that run the local models report nothing to their makers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
# Loads the settings as every process does, and then the library.
LOAD = "import callcenter.local_settings, onnxruntime; onnxruntime.SessionOptions()"


def test_onnx_runtime_keeps_no_identifier_of_this_machine(tmp_path):
    pytest.importorskip("onnxruntime", reason="needs requirements-speech.txt")
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_"))
    }

    subprocess.run(
        [sys.executable, "-c", LOAD], cwd=ROOT, check=True,
        env={**inherited, "HOME": str(tmp_path)},
    )  # fmt: skip

    assert [file for file in tmp_path.rglob("*") if "Microsoft" in file.parts] == []
