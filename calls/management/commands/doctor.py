"""``manage.py doctor``: checks a deployment, and says what is wrong and how to fix it."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from calls.doctor.findings import Finding, Level, judge, worst
from calls.doctor.looking import read_facts
from calls.doctor.visiting import visit

MARKS = {Level.OK: "[green]ok", Level.WARNING: "[yellow]warning", Level.PROBLEM: "[red]problem"}


class Command(BaseCommand):
    help = (
        "Check this deployment: database, migrations, clock, disks, storage, workers, mail, "
        "models, the provider, secrets, and with --url the proxy. Exit status: 0 if all is well, "
        "1 with warnings, 2 with problems."
    )
    requires_system_checks: list[str] = []  # a broken deployment is what it is for

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="write one JSON object")
        parser.add_argument(
            "--url", default="", help="address of the site as people use it, to check the proxy"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        url = options["url"]
        if url and not url.startswith(("http://", "https://")):
            raise CommandError("--url must be like https://calls.example.com.")
        facts = read_facts()
        findings = judge(replace(facts, visit=visit(url)) if url else facts)
        if options["json"]:
            self.stdout.write(json.dumps(as_json(findings), indent=2))
        else:
            self._show(findings)
        sys.exit(worst(findings))

    def _show(self, findings: list[Finding]) -> None:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in ("", "check", "finding"):
            table.add_column(column)
        for each in sorted(findings, key=lambda each: -each.level):
            text = f"{each.text}\n[dim]{each.mend}" if each.mend else each.text
            table.add_row(MARKS[each.level], each.subject, text)
        console = Console()
        with console.capture() as shown:
            console.print(table)
        self.stdout.write(shown.get())


def as_json(findings: list[Finding]) -> dict[str, Any]:
    return {
        "status": worst(findings).name.lower(),
        "findings": [
            {
                "check": each.subject,
                "level": each.level.name.lower(),
                "text": each.text,
                "mend": each.mend,
            }
            for each in findings
        ],
    }
