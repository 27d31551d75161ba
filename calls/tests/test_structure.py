"""The import graph: no cycles, and no imports of higher layers. Ruff also checks each file."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("callcenter", "calls", "supervisor")
MOST_MODULES = 20
MOST_LINES = 400
LONGEST_TEMPLATE_LINE = 120

# Each may import what stands before it, never what stands behind it.
LAYERS = [
    ["calls.lifecycle", "calls.clock", "calls.conversation", "calls.formats", "calls.outage"],
    ["calls.models"],
    ["calls.audit"],
    ["calls.events", "calls.redaction"],
    ["calls.services", "calls.search", "calls.reports", "calls.resolution"],
    ["calls.ingest"],
    ["calls.analysis"],
    ["calls.worker.upkeep"],
    ["calls.alerts", "calls.exports", "calls.retention"],
    ["calls.tasks"],
    ["calls.api"],
    ["calls.dashboard"],
    ["calls.admin"],
    ["supervisor"],
    ["callcenter.urls", "callcenter.asgi"],
]


def _module(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    _module(path): path
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if not {"tests", "migrations"} & set(path.parts)
}


def _imports(module):
    """Return the modules of the project that a module imports anywhere, in functions too."""
    found = set()
    for node in ast.walk(ast.parse(FILES[module].read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{name.name}" for name in node.names]
            found.update(name if name in FILES else node.module for name in names)
        elif isinstance(node, ast.Import):
            found.update(name.name for name in node.names)
    return found & FILES.keys() - {module}


GRAPH = {module: _imports(module) for module in FILES}


def _find_circle(graph):
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def _layer(module):
    for height, layer in enumerate(LAYERS):
        if any(module == name or module.startswith(f"{name}.") for name in layer):
            return height
    return None


def test_no_module_imports_itself_indirectly():
    assert _find_circle(GRAPH) == []


def test_an_indirect_import_is_detected():
    assert set(_find_circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}


def test_no_layer_imports_a_higher_one():
    up = [
        f"{module} -> {other}"
        for module, others in GRAPH.items()
        for other in others
        if None not in (here := _layer(module), there := _layer(other)) and there > here
    ]

    assert up == []


def test_every_layer_exists():
    for name in (name for layer in LAYERS for name in layer):
        assert name in FILES, name


def test_no_folder_has_too_many_modules():
    folders = {}
    for path in FILES.values():
        folders.setdefault(path.parent, []).append(path)

    crowded = {str(f): len(p) for f, p in folders.items() if len(p) - 1 > MOST_MODULES}
    assert {f for f in crowded if not f.endswith("commands")} == set()


def test_no_file_is_longer_than_one_can_read_at_a_sitting():
    long = {m: n for m, p in FILES.items() if (n := p.read_text().count("\n")) > MOST_LINES}

    assert long == {}


def test_no_file_of_tests_is_longer_than_one_can_read_at_a_sitting():
    folders = (ROOT / package for package in (*PACKAGES, "benchmarks"))
    tests = [path for f in folders for path in f.rglob("*.py") if "tests" in path.parts]
    long = {str(p.relative_to(ROOT)): p.read_text().count("\n") for p in tests}

    assert {path: lines for path, lines in long.items() if lines > MOST_LINES} == {}


def test_every_exception_from_the_security_rules_gives_its_reason():
    silent = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in (*FILES.values(), ROOT / "conftest.py")
        if "tests" not in path.parts
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"noqa:.*\bS\d{3}", line) and not re.search(r"noqa:.*\(.+\)", line)
    ]

    assert silent == []


def test_no_line_of_a_template_is_too_long_to_read():
    long = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in (ROOT / "templates").rglob("*.html")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > LONGEST_TEMPLATE_LINE
    ]

    assert long == []


def test_the_docstring_of_every_folder_lists_its_modules():
    unmapped = [
        f"{module} does not name {path.stem}"
        for module, init in FILES.items()
        if init.name == "__init__.py" and not module.endswith(("commands", "management"))
        for path in init.parent.glob("*.py")
        if path.name not in ("__init__.py", "apps.py")
        if path.stem not in (ast.get_docstring(ast.parse(init.read_text())) or "")
    ]

    assert unmapped == []
