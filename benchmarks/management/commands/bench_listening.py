"""``manage.py bench_listening``: how far behind listeners are, and what they cost."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from benchmarks.rig.packages import require
from benchmarks.rig.servers import RunError

BARS = {"max_s": 2.0, "interruptions": 0, "sockets_closed": 0, "server_cpu_percent": 15.0}


class Command(BaseCommand):
    help = (
        "Stream calls with packet loss as a carrier does, and listen to them in a browser, with "
        "the page's own jitter buffer. The run uses its own scratch database: on the PostgreSQL "
        "server of DATABASE_URL or, without one, an SQLite file. An interruption is sound that "
        "was sent and not lost, but not heard. The delay counts from the frame to its sound."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--listeners", type=int, default=20)
        parser.add_argument("--calls", type=int, default=5)
        parser.add_argument("--seconds", type=float, default=300)
        parser.add_argument("--loss", type=float, default=1.0, help="per cent of the frames")
        parser.add_argument("--json", metavar="FILE", help="also write the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        require("playwright")
        from benchmarks.listening.run import measure  # needs playwright

        try:
            seen = measure(
                listeners=options["listeners"],
                calls=options["calls"],
                seconds=options["seconds"],
                loss_percent=options["loss"],
            )
        except (RunError, OSError, TimeoutError) as error:
            raise CommandError(f"The run failed: {error!r}") from error
        if options["json"]:
            Path(options["json"]).write_text(json.dumps(seen, indent=2) + "\n")
        for name, value in seen.items():
            self.stdout.write(f"{value!s:>12}  {name.replace('_', ' ')}")
        missed = [name for name, most in BARS.items() if seen[name] is None or seen[name] > most]
        if missed:
            raise CommandError(f"The bar is not met: {', '.join(missed)}.")
