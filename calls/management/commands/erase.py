"""``manage.py erase``: erases everything of a customer, or of given calls."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calls.audit.actors import command_actor
from calls.erasure import ledger
from calls.erasure.again import is_restored, start_again
from calls.erasure.plan import Plan, make_plan
from calls.erasure.services import (
    ErasureRefused,
    carry_on,
    check_request,
    start_erasure,
)
from calls.holds.services import HoldRefused
from calls.models import Erasure

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Erase everything about a customer, by number, or about given calls: packets, recordings, "
        "transcripts, notes, alerts, messages to other systems. Calls on legal hold stay. It may "
        "be interrupted: the worker continues. A ledger records what was erased, without personal "
        "data."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--number",
            action="append",
            default=[],
            help="the number of a customer, in any spelling with its country code; repeatable",
        )
        parser.add_argument(
            "--call-id", action="append", default=[], help="the id of a call; repeatable"
        )
        parser.add_argument("--reason", default="", help="why, for the ledger; without names")
        parser.add_argument("--dry-run", action="store_true", help="count, but erase nothing")
        other = parser.add_mutually_exclusive_group()
        other.add_argument(
            "--again",
            action="store_true",
            help="after a restore: erase what the ledger names and the restore has brought back",
        )
        other.add_argument(
            "--check",
            action="store_true",
            help="end with status 1 if the database is older than the ledger",
        )
        other.add_argument("--ledger", action="store_true", help="print the ledger, as JSON lines")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["ledger"]:
            self._print_ledger()
        elif options["check"]:
            self._check()
        elif options["again"]:
            self._run(start_again(by=_who()))
        else:
            self._erase(options)

    def _erase(self, options: dict[str, Any]) -> None:
        given = {"call_ids": options["call_id"], "numbers": options["number"]}
        try:
            call_ids, numbers = check_request(**given)
            plan = make_plan(call_ids=call_ids, numbers=numbers)
            self._tell(plan)
            if options["dry_run"]:
                self.stdout.write("Nothing was erased.")
                return
            erasure = start_erasure(**given, reason=options["reason"], by=_who())
        except (ErasureRefused, HoldRefused) as error:
            raise CommandError(f"--{error.field.rstrip('s').replace('_', '-')}: {error}") from error
        self._run(erasure)

    def _tell(self, plan: Plan) -> None:
        self.stdout.write(
            f"{plan.calls} calls with {plan.packets} packets and {plan.recordings} recordings."
        )
        for call_id, hold in list(plan.held.items())[:SHOWN]:
            self.stdout.write(f"{call_id} stays: on legal hold: {hold.reason}")
        if len(plan.held) > SHOWN:
            self.stdout.write(f"{len(plan.held) - SHOWN} more calls stay, on legal hold.")
        for call_id in plan.unknown[:SHOWN]:
            self.stdout.write(f"There is no call {call_id}. Its traces are erased all the same.")

    def _run(self, erasure: Erasure) -> None:
        done = carry_on(erasure.pk)
        if done.finished_at is None:
            left = done.items.filter(is_done=False).count()
            why = (
                f"{left} calls are in progress or in analysis, or their files cannot be removed, "
                "as while a backup runs"
                if left
                else "the ledger cannot be written"
            )
            raise CommandError(
                f"Not finished: {why}. The worker continues as soon as it can. Erasure {done.pk}"
            )
        counts = ", ".join(f"{number} {kind}" for kind, number in done.counts.items())
        self.stdout.write(f"Erased: {counts or 'nothing was left'}. Erasure {done.pk}")

    def _check(self) -> None:
        if is_restored():
            raise CommandError(
                "The ledger names erasures that the database does not know: it was restored from "
                "an older backup. Run: manage.py erase --again"
            )
        self.stdout.write("The database knows every erasure in the ledger.")

    def _print_ledger(self) -> None:
        lines = {line["id"]: line for line in ledger.read()}
        for erasure in Erasure.objects.exclude(finished_at=None).filter(is_again=False):
            lines.setdefault(str(erasure.pk), ledger.line_of(erasure))
        for line in sorted(lines.values(), key=lambda each: each["at"]):
            self.stdout.write(json.dumps(line, ensure_ascii=False))


def _who() -> str:
    return command_actor().name
