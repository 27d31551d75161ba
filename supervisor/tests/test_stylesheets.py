"""Each class in a template has a rule in a stylesheet, or a script that looks for it."""

from __future__ import annotations

import re
from pathlib import Path

import django

ROOT = Path(__file__).parents[2]
OURS = ROOT / "supervisor" / "static" / "supervisor"
DJANGO = Path(django.__file__).parent / "contrib" / "admin" / "static" / "admin" / "css"
CLASSES = re.compile(r'class="((?:[^"{]|\{%.*?%\}|\{\{.*?\}\})*)"', re.DOTALL)
PLACEHOLDER = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)


def classes_of(template):
    """Return the names that are written out. One with a placeholder in it cannot be judged."""
    for text in CLASSES.findall(template):
        for name in PLACEHOLDER.sub("{}", text).replace("{}", " {} ").split():
            if re.fullmatch(r"[a-z][\w-]*[a-z0-9]", name):
                yield name


def read(folder, pattern):
    files = (path for path in folder.rglob(pattern) if "vendor" not in path.parts)
    return "\n".join(path.read_text() for path in files)


def test_no_class_is_without_a_rule_and_without_a_script():
    known = set(re.findall(r"\.([a-z][\w-]*)", read(OURS, "*.css") + read(DJANGO, "*.css")))
    scripts = read(OURS, "*.js")
    names = {
        name: str(path.relative_to(ROOT))
        for path in sorted((ROOT / "templates").rglob("*.html"))
        for name in classes_of(path.read_text())
    }

    lost = {name: where for name, where in names.items() if name not in known}

    assert {name: where for name, where in lost.items() if name not in scripts} == {}
