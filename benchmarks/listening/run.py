"""One run: two web processes, the carriers, the listeners, and what they report."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.pages.opening import browser
from benchmarks.rig.databases import ROOT
from benchmarks.rig.sites import Site, scratch_site

NAME, PASSWORD = "bench", "correct horse"
MAKE_USER = (
    "from django.contrib.auth.models import User; "
    f"User.objects.create_superuser({NAME!r}, password={PASSWORD!r})"
)
EARS = Path(__file__).with_name("ears.js")
MODULE = "/static/supervisor/call/jitter_buffer.js"
SETTLE_S = 4.0  # from the first frame to the listeners, and from the listeners to the last frame


def measure(*, listeners: int, calls: int, seconds: float, loss_percent: float) -> dict[str, Any]:
    """Measure on a scratch site. Packets arrive at another web process than the listeners."""
    permille = round(loss_percent * 10)
    with scratch_site(API_AUTH="open") as site:
        site.execute("manage.py", "shell", "-c", MAKE_USER)
        with site.server() as ingest, site.server() as web:
            with browser(f"http://127.0.0.1:{web.port}", NAME, PASSWORD) as page:
                page.goto("/supervisor/")
                page.evaluate("() => { document.body.replaceChildren(); }")
                speaking = _speak(site, ingest.port, calls, seconds + 2 * SETTLE_S, permille)
                try:
                    assert speaking.stdout is not None  # noqa: S101 (for mypy)
                    begin_ms = float(speaking.stdout.readline()) * 1000
                    time.sleep(SETTLE_S)
                    process = psutil.Process(web.pid)
                    before, begin = _cpu_s(process), time.monotonic()
                    wanted = {
                        "module": MODULE, "listeners": listeners, "calls": calls,
                        "begin": begin_ms, "permille": permille, "seconds": seconds,
                    }  # fmt: skip
                    reports = page.evaluate(f"async (wanted) => {{ {_listen()} }}", wanted)
                    share = (_cpu_s(process) - before) / (time.monotonic() - begin)
                finally:
                    speaking.kill()
                    speaking.wait()
            return {"database": site.database.title, "listeners": listeners, "calls": calls} | (
                _summary(reports, share)
            )


def _listen() -> str:
    return EARS.read_text().replace("\nlisten;\n", "\nreturn listen(wanted);\n")


def _speak(
    site: Site, port: int, calls: int, seconds: float, permille: int
) -> subprocess.Popen[str]:
    arguments = [port, calls, seconds, permille]
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.listening.speak", *map(str, arguments)],
        cwd=ROOT, env=site.environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _summary(reports: list[dict[str, Any]], share: float) -> dict[str, Any]:
    delays = sorted(delay for report in reports for delay in report["delays"])
    heard = [report["heard"] for report in reports]
    return {
        "frames_heard_by_the_median_listener": median(heard),
        "frames_heard_by_the_last_listener": min(heard),
        "p50_s": round(delays[len(delays) // 2], 2) if delays else None,
        "p99_s": round(delays[len(delays) * 99 // 100], 2) if delays else None,
        "max_s": round(delays[-1], 2) if delays else None,
        **{
            name: sum(report[name] for report in reports)
            for name in ("interruptions", "missing", "dry", "skips", "lostFrames")
        },
        "sockets_closed": sum(bool(report["closed"]) for report in reports),
        "server_cpu_percent": round(100 * share, 1),
    }
