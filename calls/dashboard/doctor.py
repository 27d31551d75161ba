"""The page of the admin with the findings of the doctor: ``manage.py doctor`` for the browser."""

from __future__ import annotations

import platform
from typing import Any

from django.http import HttpRequest

from calls.doctor.findings import Finding, Level, judge, worst
from calls.doctor.looking import read_facts

CHECK = "calls.view_workerheartbeat"
PILLS = {Level.OK: "ok", Level.WARNING: "warn", Level.PROBLEM: "bad"}


def may_check(request: HttpRequest) -> bool:
    return request.user.has_perm(CHECK)


def doctor_context() -> dict[str, Any]:
    """Check this machine, and return what was found, the worst first. Takes a few seconds."""
    findings = judge(read_facts())
    return {
        "findings": [_shown(each) for each in sorted(findings, key=lambda each: -each.level)],
        "wrong": sum(each.level > Level.OK for each in findings),
        "level": PILLS[worst(findings)],
        "machine": platform.node(),
    }


def _shown(finding: Finding) -> dict[str, str]:
    return {
        "subject": finding.subject.capitalize() if finding.subject.islower() else finding.subject,
        "level": PILLS[finding.level],
        "label": finding.level.name.capitalize() if finding.level else "OK",
        "text": finding.text,
        "mend": finding.mend,
    }
