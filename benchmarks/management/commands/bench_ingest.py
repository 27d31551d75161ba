"""``manage.py bench_ingest``: how fast each way to send packets is, and whether any is lost."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from benchmarks.ingest.run import Options, carry_out, plan, prepare
from benchmarks.rig import report
from benchmarks.rig.servers import RunError

WIDTH = 120  # width of the table in a file or a log
NAMES = [*(way.name for way in plan(Options())), "copy"]


def read_options(options: dict[str, Any]) -> Options:
    """Check every option. Raise ValueError if one is invalid."""
    limits = {
        "seconds": (0.1, 600), "warm_up": (0, 60), "calls": (1, 10_000), "ws_frame": (1, 200),
        "carrier_seconds": (1, 3_600), "fill": (0, 100_000_000), "kills": (1, 1_000),
    }  # fmt: skip
    for name, (least, most) in limits.items():
        if not least <= options[name] <= most:
            option = name.replace("_", "-")
            raise ValueError(f"--{option} must be from {least} to {most}, not {options[name]}.")
    return Options(
        seconds=options["seconds"],
        carrier_seconds=options["carrier_seconds"],
        warm_up=options["warm_up"],
        calls=options["calls"],
        socket_frame=options["ws_frame"],
        fill=options["fill"],
        kill=options["kill"],
        kills=options["kills"],
        only=frozenset(options["only"] or ()),
    )


class Command(BaseCommand):
    help = (
        "Measure every way to send packets. The run starts its own servers and clients on this "
        "machine and uses its own scratch database: on the PostgreSQL server of DATABASE_URL or, "
        "without one, an SQLite file. Fails if an acknowledged packet is not stored, or a stored "
        "packet is not acknowledged. The bars at the end are only printed."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--seconds", type=float, default=8, help="seconds to measure each path (default: 8)"
        )
        parser.add_argument(
            "--carrier-seconds", type=float, default=20, metavar="SECONDS",
            help="seconds to stream calls as a carrier, in real time (default: 20)",
        )  # fmt: skip
        parser.add_argument(
            "--warm-up",
            type=float,
            default=1,
            help="seconds of warm-up before each measurement (default: 1)",
        )
        parser.add_argument(
            "--calls", type=int, default=64,
            help="calls on the HTTP connections; with fewer calls than connections (32), packets "
            "of one call overtake each other and every gap is logged (default: 64)",
        )  # fmt: skip
        parser.add_argument(
            "--ws-frame", type=int, default=1, metavar="N",
            help="packets in one WebSocket frame (default: 1)",
        )  # fmt: skip
        parser.add_argument(
            "--fill", type=int, default=0, metavar="N",
            help="then store N packets and measure single packets and batches again, to compare "
            "the cost of a packet with an empty and a full table",
        )  # fmt: skip
        parser.add_argument(
            "--kill", action="store_true",
            help="then measure the express lane and the WebSocket while the server is killed "
            "repeatedly",
        )  # fmt: skip
        parser.add_argument("--kills", type=int, default=10, help="number of kills (default: 10)")
        parser.add_argument(
            "--only", action="append", choices=NAMES, help="measure this path only; repeatable"
        )
        parser.add_argument("--json", metavar="FILE", help="write the result as JSON; - is stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            chosen = read_options(options)
        except ValueError as error:
            raise CommandError(str(error)) from error
        try:
            result = self._run(chosen, self._console(to_stderr=options["json"] == "-"))
        except RunError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped.", returncode=130) from error
        self._write(options["json"], result)
        if not result["ok"]:
            raise CommandError("Stored and acknowledged packets differ. See the table.")

    def _console(self, *, to_stderr: bool) -> Console:
        stream = self.stderr if to_stderr else self.stdout
        stream.ending = ""  # rich writes its own line ends
        console = Console(file=cast(IO[str], stream))
        if not console.is_terminal:
            console.width = WIDTH
        return console

    def _run(self, options: Options, console: Console) -> dict[str, Any]:
        with prepare(options) as run:
            database = run.database.title
            results = list(
                carry_out(run, lambda title: console.print(f"{title}...", highlight=False))
            )
        bars = report.compare(results)
        console.print(report.table(results, f"{database}, {options.seconds:g} s each"))
        for bar in bars:
            console.print(str(bar), style="green" if bar.passed else "red", highlight=False)
        machine = (
            f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
        )
        return report.as_json(results, bars, database=database, machine=machine)

    def _write(self, target: str | None, result: dict[str, Any]) -> None:
        text = json.dumps(result, indent=1) + "\n"
        if target == "-":
            self.stdout.write(text)
        elif target:
            Path(target).write_text(text, encoding="utf-8")
