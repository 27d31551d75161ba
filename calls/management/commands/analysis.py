"""``manage.py analysis``: pauses or resumes the analysis, or shows its status."""

from __future__ import annotations

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calls.analysis.pausing import AlreadySo, pause_analysis, resume_analysis
from calls.analysis.status import AnalysisStatus, Load, read_load, read_status


class Command(BaseCommand):
    help = (
        "Pause or resume the analysis, or show its status. During a pause, calls are still "
        "received. Analyses that are running finish, and no new ones start."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["pause", "resume", "status"])
        parser.add_argument("--reason", default="", help="why, for the event log and the pages")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["action"] == "pause":
                # The column holds 200 characters.
                pause_analysis(by=_who(), reason=options["reason"][:200])
                self.stdout.write("The analysis is paused.")
            elif options["action"] == "resume":
                resume_analysis(by=_who())
                self.stdout.write("The analysis is resumed.")
            else:
                for line in describe(read_status(), read_load()):
                    self.stdout.write(line)
        except AlreadySo as error:
            raise CommandError(str(error)) from error


def _who() -> str:
    """Return the name of the person at the terminal, if the system knows it."""
    try:
        return f"manage.py ({getpass.getuser()})"
    except (KeyError, OSError):  # a container may have no name for its user
        return "manage.py"


def describe(standing: AnalysisStatus, load: list[Load]) -> list[str]:
    lines = [f"workers     {standing.workers} alive{_silence(standing)}"]
    if pause := standing.pause:
        why = f": {pause.reason}" if pause.reason else ""
        lines.append(f"paused      since {pause.paused_at:%F %T} by {pause.by}{why}")
    lines += [
        f"down        {outage.provider}, {outage.stage}, since {outage.since:%F %T}; "
        f"{outage.waiting} calls wait; next try {_at(outage.probe_at)}; {outage.error}"
        for outage in standing.outages
    ]
    return lines + [
        f"{one.stage:11} {one.ready} ready, {one.retrying} waiting for a retry, "
        f"{one.running} running, oldest {one.oldest_s:.0f} s"
        for one in load
    ]


def _silence(standing: AnalysisStatus) -> str:
    return "" if standing.silent_s is None else f", last heartbeat {standing.silent_s:g} s ago"


def _at(moment: Any) -> str:
    return f"at {moment:%T}" if moment else "soon"
