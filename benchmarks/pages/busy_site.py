"""Fills a site with thousands of live calls and an archive, and keeps changing it.

`python -m benchmarks.pages.busy_site fill LIVE ARCHIVED | stir RATE SECONDS` runs in its own
process, because Django's settings name one database. It prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django

LIVE_PREFIX, NEW_PREFIX = "busy", "stirred"
QUEUES = ("billing", "broadband", "cards", "claims", "retention", "sales", "travel", "wholesale")
AGENTS = tuple(f"Agent {number:03}" for number in range(1, 251))
STEP_S = 0.2
# Events of a call: opened, described, ended, taken, two attempts, archived. A quarter of the
# attempts fail, and some calls have an alert that is acknowledged later.
CHANGES_OF_A_CALL = 7.5
FAILING, HOPELESS, ALERTING, GAPPY = 0.2, 0.03, 0.3, 0.02
BLOCK = 2_000
WORDS = "I have been waiting for an hour, and nobody can tell me why."


def fill(live: int, archived: int) -> dict[str, Any]:
    """Store live calls with counters, an archive, and half an hour of samples."""
    from django.utils import timezone

    from calls.models import Call, MinuteSample, Stream

    chance, now = random.Random(7), timezone.now()
    for first in range(0, archived, BLOCK):
        numbers = range(first, min(first + BLOCK, archived))
        Call.objects.bulk_create(_archived(number, archived, chance, now) for number in numbers)
    calls = Call.objects.bulk_create(_live(number, chance, now) for number in range(live))
    Stream.objects.bulk_create(
        Stream(call=call, packet_count=call.packet_count, first_sequence=1,
               last_sequence=call.last_sequence)
        for call in calls
    )  # fmt: skip
    MinuteSample.objects.bulk_create(
        MinuteSample(at=now - timedelta(minutes=ago), seconds=60, live=live, packets=live * 60,
                     missing=live, archived=live // 4, failed=live // 80, live_packets=0,
                     live_missing=0)
        for ago in range(30, 0, -1)
    )  # fmt: skip
    _tidy()
    return {"live": live, "archived": archived}


def _described(chance: random.Random) -> dict[str, str]:
    return {
        "agent": chance.choice(AGENTS),
        "queue": chance.choice(QUEUES),
        "caller": f"+4420{chance.randrange(10**8):08}",
    }


def _archived(number: int, count: int, chance: random.Random, now: Any) -> Any:
    from calls.models import Call

    ended_at = now - timedelta(seconds=(count - number) * 3 + 60)
    return Call(
        call_id=f"earlier-{number}", state="ARCHIVED", **_described(chance),
        opened_at=ended_at - timedelta(seconds=chance.randrange(20, 900)), ended_at=ended_at,
        state_changed_at=ended_at + timedelta(seconds=20), packet_count=300, last_sequence=300,
        customer_sentiment=chance.choice(Call.Sentiment.values), customer_trend="steady",
        agent_sentiment="NEUTRAL", agent_trend="improving", end_reason="requested",
    )  # fmt: skip


def _live(number: int, chance: random.Random, now: Any) -> Any:
    from calls.models import Call

    count = chance.randrange(20, 900)
    missing = chance.randrange(9) if chance.random() < 0.1 else 0
    return Call(
        call_id=f"{LIVE_PREFIX}-{number}", **_described(chance), packet_count=count,
        last_sequence=count + missing, missing_count=missing, last_packet_at=now,
        opened_at=now - timedelta(seconds=count),
    )  # fmt: skip


def _tidy() -> None:
    """Leave the database as if it had held these rows for a long time."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)" if connection.vendor == "postgresql" else "ANALYZE")


class Stir:
    """Opens, ends and analyses calls and raises alerts at an even pace; live calls send packets."""

    def __init__(self, rate: float) -> None:
        from calls.models import Alert, AlertRule, Call

        self.chance = random.Random(11)
        self.calls_per_step = rate / CHANGES_OF_A_CALL * STEP_S
        self.live = deque(Call.objects.live().order_by("pk").values_list("call_id", flat=True))
        self.sequences = dict(Call.objects.live().values_list("call_id", "last_sequence"))
        AlertRule.objects.get_or_create(
            name="Has waited long", defaults={"kind": "words", "severity": 2, "phrases": "waiting"}
        )
        self.rules = list(AlertRule.objects.filter(kind="words")[:5])
        self.alerts = deque(Alert.objects.open().order_by("pk").values_list("pk", flat=True))
        self.number = Call.objects.filter(call_id__startswith=NEW_PREFIX).count()
        self.owed = 0.0
        self.packets = 0

    def step(self) -> None:
        from django.db import transaction

        self.owed += self.calls_per_step
        count = int(self.owed)
        self.owed -= count
        self._talk()
        with transaction.atomic():
            opened = [self._open() for _ in range(count)]
        self._alert(opened)
        with transaction.atomic():
            for _ in range(count):
                self._end()
        self._analyse(count * 2)

    def _talk(self) -> None:
        """Record this step's share of packets: each live call sends one packet a second."""
        from calls.ingest.packets import IncomingPacket
        from calls.ingest.record import record_packets

        share = max(1, round(len(self.live) * STEP_S))
        packets = []
        for call_id in list(self.live)[:share]:
            lost = self.chance.random() < GAPPY / 10
            sequence = (self.sequences.get(call_id) or 0) + 1 + lost
            self.sequences[call_id] = sequence
            packets.append(
                IncomingPacket(call_id=call_id, sequence=sequence, data="", track="customer",
                               timestamp=float(sequence))
            )  # fmt: skip
        # The next step takes the next calls, so that all get their packet once a second.
        self.live.rotate(-share)
        record_packets(packets)
        self.packets += len(packets)

    def _open(self) -> str:
        from calls import services

        self.number += 1
        call_id = f"{NEW_PREFIX}-{self.number}"
        description: dict[str, Any] = _described(self.chance)
        services.start_call(call_id=call_id, **description)
        # _end() picks a call at random, so a new call lives as long as any other.
        self.live.append(call_id)
        return call_id

    def _end(self) -> None:
        from calls import services

        call_id = self.live[self.chance.randrange(len(self.live))]
        self.live.remove(call_id)
        self.sequences.pop(call_id, None)
        services.end_call(call_id=call_id)

    def _alert(self, opened: list[str]) -> None:
        from django.utils import timezone

        from calls.alerts.matches import AlertMatch
        from calls.alerts.services import acknowledge_alert, raise_alerts
        from calls.models import Call

        chosen = [call_id for call_id in opened if self.chance.random() < ALERTING / 2]
        pks = Call.objects.filter(call_id__in=chosen).values_list("pk", flat=True)
        found = [
            AlertMatch(self.chance.choice(self.rules), pk, found="waiting", quote=WORDS)
            for pk in pks
        ]
        self.alerts.extend(alert.pk for alert in raise_alerts(found, now=timezone.now()))
        while len(self.alerts) > 50:
            acknowledge_alert(alert_id=self.alerts.popleft(), by="bench")

    def _analyse(self, limit: int) -> None:
        """Process calls as a worker does, with invented results."""
        from calls.analysis.claims import claim_due

        by_stage: dict[str, list[Any]] = {}
        for taken in claim_due(owner="busy-site", limit=limit, provider="made-up"):
            by_stage.setdefault(taken.lease.stage, []).append(taken)
        heard = self._settle(by_stage.get("transcribe", []), self._hear)
        begun = self._begin(heard) if heard else []
        self._settle([*by_stage.get("understand", []), *begun], self._archive)

    def _begin(self, leases: list[Any]) -> list[Any]:
        """Start the understand stage of transcribed calls."""
        from calls.analysis import attempts
        from calls.analysis.attempts import AttemptStart
        from calls.models import Attempt, Stage

        wanted = [AttemptStart(lease, Stage.UNDERSTAND, "made-up") for lease in leases]
        begun = zip(leases, attempts.start_attempts(wanted), strict=True)
        return [(lease, attempt) for lease, attempt in begun if isinstance(attempt, Attempt)]

    def _settle(self, tried: list[Any], succeed: Callable[[Any], None]) -> list[Any]:
        """Fail some attempts, and return the other calls."""
        from calls.analysis import attempts
        from calls.analysis.attempts import Failure
        from calls.analysis.providers import ProviderError

        failed, good = [], []
        for lease, attempt in tried:
            dice = self.chance.random()
            if dice < FAILING:
                error = ProviderError("503 Service Unavailable", code="503",
                                      transient=dice > HOPELESS)  # fmt: skip
                failed.append(Failure(lease, attempt, error))
            else:
                good.append((lease, attempt))
        if failed:
            attempts.fail_attempts(failed)
        if good:
            succeed(good)
        return [lease for lease, _ in good]

    def _hear(self, good: list[Any]) -> None:
        from calls.analysis import findings
        from calls.analysis.findings import StageResult

        fields: dict[str, Any] = {"duration_ms": 20_000, "turns": [], "speech": {}}
        findings.save_transcripts([StageResult(lease, attempt, fields) for lease, attempt in good])

    def _archive(self, good: list[Any]) -> None:
        from calls.analysis import findings
        from calls.analysis.findings import StageResult
        from calls.models import Transcript

        calls = [lease.call_pk for lease, _ in good]
        heard = {one.call_id: one for one in Transcript.objects.filter(call__in=calls)}
        findings.archive_calls(
            [
                StageResult(
                    lease, attempt, self._analysis(heard[lease.call_pk]), headline=self._mood()
                )
                for lease, attempt in good
            ]
        )

    def _analysis(self, transcript: Any) -> dict[str, Any]:
        summary = "The customer asks why the parcel is late. It is promised for tomorrow."
        return {"transcript": transcript, "turns": [], "metrics": {}, "summary": summary}

    def _mood(self) -> dict[str, str]:
        from calls.models import Call

        return {
            "customer_sentiment": self.chance.choice(Call.Sentiment.values),
            "customer_trend": self.chance.choice(Call.Trend.values),
            "agent_sentiment": "NEUTRAL",
            "agent_trend": "steady",
        }


def stir(rate: float, seconds: float) -> dict[str, Any]:
    """Make changes for this many seconds, and return the number of events."""
    from calls import events
    from calls.models import CallEvent

    made, before, begin = Stir(rate), events.head(), time.monotonic()
    due, late = begin, 0.0
    while time.monotonic() - begin < seconds:
        made.step()
        due, now = due + STEP_S, time.monotonic()
        late = max(late, now - due)
        # A slow machine does not catch up.
        due = max(due, now)
        time.sleep(due - now)
    took = time.monotonic() - begin
    changes = CallEvent.objects.filter(id__gt=before).count()
    return {
        "changes": changes,
        "changes_per_s": round(changes / took, 1),
        "packets_per_s": round(made.packets / took, 1),
        "late_s": round(late, 2),
        "live": len(made.live),
    }


def main(task: str, *numbers: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callcenter.settings")
    django.setup()
    if task == "fill":
        answer = fill(int(numbers[0]), int(numbers[1]))
    else:
        answer = stir(float(numbers[0]), float(numbers[1]))
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
