"""Commands without requirements-dev.txt, and which code may import the benchmarks."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.rig.databases import ROOT

HIDE = """
import os
from importlib.machinery import PathFinder

HIDDEN = os.environ["HIDDEN"].split(",")
find = PathFinder.find_spec

def find_visible(name, path=None, target=None):
    return None if name.split(".")[0] in HIDDEN else find(name, path, target)

PathFinder.find_spec = find_visible
"""


@pytest.fixture
def manage(tmp_path):
    """Run a command where these packages are not installed."""
    (tmp_path / "sitecustomize.py").write_text(HIDE)

    def run(*arguments, hidden):
        environment = {
            **os.environ,
            "HIDDEN": ",".join(hidden),
            "PYTHONPATH": str(tmp_path),
            "DATABASE_URL": f"sqlite:///{tmp_path}/service.sqlite3",
        }
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=environment, check=False, capture_output=True, text=True,
        )  # fmt: skip

    return run


def test_without_psutil_the_benchmarks_app_is_not_installed(manage):
    commands = manage("help", "--commands", hidden=["psutil", "jiwer", "playwright"]).stdout.split()

    assert "visualize_race" in commands
    assert not [name for name in commands if name.startswith("bench_")]


@pytest.mark.parametrize(
    ("command", "package"),
    [
        ("bench_board", "playwright"),
        ("bench_feed", "websockets"),
        ("bench_pages", "playwright"),
        ("bench_speech", "jiwer"),
    ],
)
def test_a_benchmark_says_in_one_line_what_to_install(manage, command, package):
    done = manage(command, hidden=[package])

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"CommandError: Not installed: {package}. Run pip install -r requirements-dev.txt."
    ]


def test_graph_transitions_says_in_one_line_what_to_install(manage):
    done = manage("graph_transitions", "-o", "calls.dot", "calls", hidden=["graphviz"])

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "CommandError: Drawing needs graphviz: pip install graphviz"
    ]


def test_only_tests_import_the_benchmarks():
    product = [
        file
        for app in ("callcenter", "calls", "supervisor")
        for file in (ROOT / app).rglob("*.py")
        if "tests" not in file.parts
    ]

    assert not [file for file in product if "benchmarks" in _imported(file)]


def test_the_rig_imports_no_other_folder_of_the_benchmarks():
    rig = (ROOT / "benchmarks" / "rig").glob("*.py")

    names = {name for file in rig for name in _imported_modules(file)}

    assert not {n for n in names if f"{n}.".startswith("benchmarks.")} - {
        n for n in names if n.startswith("benchmarks.rig")
    }


def _imported(file: Path) -> set[str]:
    return {name.split(".")[0] for name in _imported_modules(file)}


def _imported_modules(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module}
    return found
