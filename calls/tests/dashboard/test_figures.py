"""What the figures of the admin's home page say, and how urgent each is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calls.analysis.live.status import LiveStatus
from calls.analysis.status import Load
from calls.dashboard.figures import Level, figures_of, problems_of, span, worst
from calls.models import AnalysisPause, ApiKey, ProviderHealth, WebhookEndpoint, WorkerHeartbeat
from calls.monitoring.overview import Overview, Space, Webhooks

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
BEAT = WorkerHeartbeat(name="w", started_at=NOW, seen_at=NOW)
SILENT = WorkerHeartbeat(name="v", started_at=NOW, seen_at=NOW - timedelta(minutes=3))
CALM = Overview(
    now=NOW, workers=(BEAT,), pause=None, shedding_since=None, providers=(),
    load=[Load("transcribe", 0, 0, 0, 0.0)], live=LiveStatus(), live_calls=0, dead_calls=0,
    failed_calls=(), failed_attempts=(), queued_jobs=0, failed_job_count=0, failed_jobs=(),
    webhooks=Webhooks(1, (), (), 0, 0.0), open_alerts={"notice": 0, "warning": 2, "critical": 1},
    locked_out=0, keys=(), media=Space(50, 100), storage_problem="", database_bytes=4096,
)  # fmt: skip
PAUSE = AnalysisPause(paused_at=NOW - timedelta(hours=3), by="ann", reason="The bill.")
DOWN = ProviderHealth(
    provider="openai", stage="transcribe", failures=12, down_since=NOW - timedelta(minutes=5)
)
FAILING = ProviderHealth(provider="openai", stage="understand", failures=2)
HOOK = WebhookEndpoint(name="crm")
OK, WARN, BAD = Level.OK, Level.WARN, Level.BAD


def key(days: int | None) -> ApiKey:
    expires_at = None if days is None else NOW + timedelta(days=days)
    return ApiKey(name="PBX", expires_at=expires_at)


def figure(label: str, setting: str = "all", **changes: Any) -> Any:
    figures = figures_of(replace(CALM, **changes), live_transcription=setting)
    return next(each for each in figures if each.label == label)


@pytest.mark.parametrize(
    ("label", "changes", "level", "words"),
    [
        ("Workers", {}, OK, "1 alive"),
        ("Workers", {"workers": ()}, BAD, "None alive"),
        ("Workers", {"workers": (BEAT, SILENT)}, WARN, "1 silent"),
        ("Ingest and analysis", {}, OK, "Running"),
        ("Ingest and analysis", {"pause": PAUSE}, WARN, "Paused by ann for 3 h: The bill."),
        ("Ingest and analysis", {"shedding_since": NOW}, BAD, "Overloaded"),
        ("AI providers", {"providers": (FAILING,)}, WARN, "openai, understand: 2 in a row"),
        ("AI providers", {"providers": (FAILING, DOWN)}, BAD, "openai, transcribe: for 5 min"),
        ("Waiting for AI", {"load": [Load("transcribe", 3, 1, 0, 60.0)]}, OK, "for 60 s"),
        ("Waiting for AI", {"load": [Load("transcribe", 3, 1, 0, 700.0)]}, WARN, "too long"),
        ("Waiting for AI", {"load": [Load("transcribe", 3, 1, 0, 7000.0)]}, BAD, "for 2 h"),
        ("Failed calls", {"dead_calls": 1200}, WARN, "1,200"),
        ("Live transcription", {"live": LiveStatus(calls=3)}, OK, "3 calls"),
        ("Live transcription", {"live": LiveStatus(3, 2)}, WARN, "2 wait"),
        ("Live transcription", {"live": LiveStatus(3, 0, 12.0)}, WARN, "12 s behind"),
        ("Open alerts", {}, Level.PLAIN, "1 critical, 2 warning"),
        ("Queued jobs", {"queued_jobs": 101}, WARN, "101"),
        ("Webhooks", {}, OK, "1 OK"),
        ("Webhooks", {"webhooks": Webhooks(0, (), (), 0, 0.0)}, Level.PLAIN, "None set up"),
        ("Webhooks", {"webhooks": Webhooks(1, (HOOK,), (), 0, 0.0)}, WARN, "1 failing"),
        ("Webhooks", {"webhooks": Webhooks(0, (), (HOOK,), 0, 0.0)}, BAD, "1 disabled"),
        ("Webhooks", {"webhooks": Webhooks(1, (), (), 7, 400.0)}, WARN, "7 waiting"),
        ("API keys", {}, Level.PLAIN, "None"),
        ("API keys", {"keys": (key(None), key(days=15))}, Level.PLAIN, "2 valid"),
        ("API keys", {"keys": (key(None), key(days=5))}, WARN, "PBX expires in 5 days"),
        ("API keys", {"keys": (key(days=-2),)}, WARN, "PBX expired 2 days ago"),
        ("API keys", {"keys": (key(days=-8),)}, Level.PLAIN, "0 valid"),
        ("Free disk space", {}, OK, "50 % of"),
        ("Free disk space", {"media": Space(9, 100)}, WARN, "low"),
        ("Free disk space", {"media": Space(2, 100)}, BAD, "low"),
        ("Free disk space", {"media": None}, Level.PLAIN, "Unknown"),
        ("Free disk space", {"storage_problem": "It is full."}, BAD, "It is full."),
        ("Locked out", {"locked_out": 2}, WARN, "2"),
    ],
)
def test_a_figure_says_its_level_in_words(label, changes, level, words):
    found = figure(label, **changes)

    assert found.level == level
    assert words in f"{found.value} {found.note}"


def test_live_transcription_that_is_off_is_not_a_problem():
    found = figure("Live transcription", setting="off")

    assert (found.value, found.level) == ("Off", Level.PLAIN)


def test_the_worst_problem_comes_first_and_a_healthy_site_has_none():
    calm = figures_of(CALM, live_transcription="all")
    bad = figures_of(replace(CALM, locked_out=1, workers=()), live_transcription="all")

    assert (problems_of(calm), worst(calm)) == ([], Level.OK)
    assert [each.label for each in problems_of(bad)] == ["Workers", "Locked out"]
    assert worst(bad) == BAD


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (7200, "2 h"), (200_000, "2 days")],
)
def test_durations_have_one_unit(seconds, text):
    assert span(seconds) == text
