"""``manage.py bench_transcription``: speech recognition while packets arrive on the same cores."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from benchmarks.rig.servers import RunError
from benchmarks.speech.transcription import Options, Outcome, compare, measure


class Command(BaseCommand):
    help = (
        "Let one worker transcribe and understand the recorded calls with the local models while a "
        "client sends packets to a web process on the same machine. The run uses its own "
        "database. Fails if a call is not archived or a packet is refused. The bars are only "
        "printed."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--times", type=int, default=3, help="copies of each recorded call (default: 3)"
        )
        parser.add_argument(
            "--per-second",
            type=float,
            default=200,
            help="packets per second during the run (default: 200)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["times"] < 1 or options["per_second"] <= 0:
            raise CommandError("--times and --per-second must be greater than 0.")
        try:
            outcome = measure(Options(times=options["times"], per_s=options["per_second"]))
        except RunError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped.", returncode=130) from error
        for line in describe(outcome):
            self.stdout.write(line)
        # A run that loses something has no figures worth comparing.
        if set(outcome.states) != {"ARCHIVED"} or outcome.packets["refused"]:
            raise CommandError("Not every call was archived, or a packet was refused.")


def describe(outcome: Outcome) -> list[str]:
    packets = outcome.packets
    return [
        outcome.title,
        f"  calls      {dict(outcome.states)}, {outcome.words} words",
        (
            f"  audio      {outcome.audio_s:.0f} s in {outcome.total_s:.1f} s: "
            f"{outcome.times_real:.1f} times real time"
        ),
        (
            f"  packets    {packets['per_s']:.0f}/s, p50 {packets['p50_ms']:.1f} ms, "
            f"p99 {packets['p99_ms']:.1f} ms, max {packets['max_ms']:.0f} ms"
        ),
        f"  memory     {outcome.peak_mib:.0f} MiB at most, for the worker",
        *(f"  {bar}" for bar in compare(outcome)),
    ]
