"""What the documentation names exists: pages, headings, commands, options, settings, routes."""

import argparse
import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, resolve

from callcenter.local_settings import env

ROOT = Path(__file__).parents[2]
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").glob("*.md"),
    ROOT / "clients" / "python" / "README.md",
]
# These two may name things that no longer exist.
HISTORY = {"CHANGELOG.md", "decisions.md"}
GUIDES = [page for page in PAGES if page.name not in HISTORY]
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
COMMAND = re.compile(r"manage\.py ([a-z_]+)([^`\n|#]*)")
ROUTE = re.compile(r"(?:GET|POST|PUT|PATCH|DELETE)`?,? `?(/v1/[^\s`?|,)]+)")
SETTING = re.compile(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?:=[^`]*)?`")
# Names in capitals that are not settings of this service.
OTHERS = {
    "CONDITION_KINDS", "CONFIDENTIALITY_REQUIRED", "DJANGO_SUPERUSER_PASSWORD", "HTTPS_PROXY",
    "IN_PROGRESS", "INVALID_CREDENTIALS", "NO_PROXY", "NO_SUCH_OBJECT", "PROCESSING_AI",
    "SERVER_DOWN", "SOAK_SECONDS", "TLS_CACERT",
}  # fmt: skip
OTHER_ROUTES = {"/v1/models/..."}  # of an AI


def anchors(page):
    """The anchors of a page, as GitHub makes them of its headings."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(text)]
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("guide", PAGES, ids=lambda guide: guide.name)
def test_every_link_points_to_an_existing_file_and_heading(guide):
    broken = []
    for link in LINK.findall(guide.read_text()):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (guide.parent / path).resolve() if path else guide
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_command_has_the_options_that_are_shown(guide):
    known, unknown = get_commands(), []
    for name, rest in COMMAND.findall(guide.read_text()):
        options = re.findall(r"(?<!\S)--[a-z-]+", rest)
        if name not in known or set(options) - options_of(name, known[name]):
            unknown.append(f"{name}{rest}")

    assert unknown == []


def options_of(name, app):
    command = load_command_class(app, name) if isinstance(app, str) else app
    parser = command.create_parser("manage.py", name)
    found, parsers = set(), [parser]
    while parsers:
        for action in parsers.pop()._actions:
            found |= set(action.option_strings)
            if isinstance(action, argparse._SubParsersAction):
                parsers += action.choices.values()
    return found


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_route_exists(guide):
    missing = []
    for route in set(ROUTE.findall(guide.read_text())) - OTHER_ROUTES:
        try:
            resolve(re.sub(r"\{\w+\}|\.\.\.", "1", route))
        except Resolver404:
            missing.append(route)

    assert missing == []


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_setting_exists(guide):
    named = set(SETTING.findall(guide.read_text())) - OTHERS

    assert {name for name in named if not name.startswith("OTEL_")} - set(env.catalogue) == set()


def test_every_test_that_keeps_a_guarantee_exists():
    guide = (ROOT / "docs" / "analysis.md").read_text()
    cited = [
        (module, re.sub(r"\W+", "_", part).strip("_"))
        for module, names in re.findall(r"`(test_\w+)`: (\*[^;|]+)", guide)
        for name in re.findall(r"\*([^*]+)\*", names)
        for part in name.lower().split("...")
    ]

    assert len(cited) > 20
    assert [(module, part) for module, part in cited if part not in _tests_of(module)] == []


def _tests_of(module):
    files = ROOT.glob(f"*/tests/**/{module}.py")
    return "\n".join(
        name for file in files for name in re.findall(r"def (test_\w+)", file.read_text())
    )
