"""What the home page of the admin shows about the health of the site, with links for this user."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_permission_codename
from django.db import connection
from django.http import HttpRequest
from django.urls import reverse

import callcenter
from calls.dashboard.doctor import may_check
from calls.dashboard.figures import (
    Figure,
    Level,
    Trouble,
    figures_of,
    problems_of,
    troubles_of,
    worst,
)
from calls.monitoring.overview import Overview, read_overview

VIEW = "calls.view_call"
OPERATE = "calls.operate_call"


@dataclass(frozen=True)
class Linked:
    """A figure or an error, and the address behind it; empty if the user may not see that."""

    of: Figure | Trouble
    url: str


def health_context(request: HttpRequest) -> dict[str, Any]:
    """Return the context of the template, without figures if the user may not see calls."""
    if not request.user.has_perm(VIEW):
        return {"health": None}
    site = read_overview()
    figures = figures_of(site, live_transcription=settings.LIVE_TRANSCRIPTION)
    problems = problems_of(figures)
    return {
        "health": site,
        "figures": [Linked(each, _list_url(request, each)) for each in figures],
        "problems": problems,
        "level": worst(figures),
        "is_bad": worst(figures) is Level.BAD,
        "troubles": [Linked(each, _object_url(request, each)) for each in troubles_of(site)],
        "versions": versions(site),
        "may_operate": request.user.has_perm(OPERATE),
        "may_check": may_check(request),
    }


def versions(site: Overview) -> list[tuple[str, str]]:
    return [
        ("callcenter", callcenter.__version__),
        ("Python", platform.python_version()),
        ("Django", django.get_version()),
        (connection.display_name, ".".join(map(str, connection.get_database_version()))),
        ("AI provider", settings.AI_PROVIDER),
    ]


def _list_url(request: HttpRequest, figure: Figure) -> str:
    if figure.target is None or not _may_view(request, figure.target.model):
        return ""
    query = f"?{figure.target.query}" if figure.target.query else ""
    return reverse(f"admin:{_url_name(figure.target.model)}_changelist") + query


def _object_url(request: HttpRequest, trouble: Trouble) -> str:
    if not _may_view(request, trouble.model):
        return ""
    return reverse(f"admin:{_url_name(trouble.model)}_change", args=[trouble.pk])


def _url_name(label: str) -> str:
    return label.replace(".", "_")


def _may_view(request: HttpRequest, label: str) -> bool:
    opts = apps.get_model(label)._meta  # noqa: SLF001 (public despite its name)
    codename = get_permission_codename("view", opts)
    return bool(request.user.has_perm(f"{opts.app_label}.{codename}"))
