"""A real server and a real Chromium for the tests of the pages, shared where possible.

The server lives as long as the session. The browser does not: its driver keeps an event loop in
this thread, which other tests would stumble over.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.rig.services import Service
from benchmarks.rig.waiting import answers, free_port, get, post, wait_until

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PASSWORD = "correct horse"
# Ana may do everything, Vic may look, and Sam may do nothing.
MAKE_USERS = f"""
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Permission, User
password = make_password({PASSWORD!r})
User.objects.create(username="ana", password=password, is_staff=True, is_superuser=True)
User.objects.create(username="sam", password=password)
vic = User.objects.create(username="vic", password=password)
vic.user_permissions.add(Permission.objects.get(codename="view_call"))
"""
PATIENCE_MS = 20_000
# Text in a box that hides a part of it, and that nobody can read by pointing at it. Some
# links and buttons of the admin hide their text behind an icon.
CUT = """() => [...document.querySelectorAll("body *")].filter((box) => {
    const style = getComputedStyle(box);
    const hides = style.overflowX === "hidden" || style.overflowX === "clip";
    return hides && box.clientWidth > 1 && box.scrollWidth > box.clientWidth + 1
        && box.innerText?.trim()
        && !box.closest("[title], [aria-hidden=true], .sr, svg, select")
        && !box.matches(".addlink, .changelink, .selector-add, .selector-remove")
        && ![...box.children].some((child) => child.title);
}).map((box) => `${box.tagName}.${box.className}: ${box.innerText.trim().slice(0, 60)}`)"""
expect.set_options(timeout=PATIENCE_MS)


class Site(Service):
    """A server that can be stopped and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, CALL_IDLE_TIMEOUT="3600")
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.logins: dict[str, object] = {}  # by user, as the browser stores them

    def serve(self) -> None:
        self.server = self.start("manage.py", "web", "--port", str(self.port), log="web")
        wait_until(lambda: answers(f"{self.address}/healthz"), what="the server")

    def crash(self) -> None:
        self.server.kill()
        self.server.wait()

    def say(self, call_id: str, *sentences: str, first: int = 1) -> None:
        for at, sentence in enumerate(sentences, first):
            body = {"sequence": at, "data": sentence, "timestamp": at * 4.0, "track": "customer"}
            post(f"{self.address}/v1/call/stream/{call_id}", body)

    def end(self, call_id: str) -> None:
        post(f"{self.address}/v1/call/{call_id}/end")


@contextmanager
def running_site(folder: Path, make: str = "") -> Iterator[Site]:
    """A site with the users, and with what the code ``make`` creates."""
    with Site(folder) as running:
        running.run("shell", "-c", MAKE_USERS + make)
        running.serve()
        yield running


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    with running_site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="session")
def analysed(site):
    """The id of a call that a worker has analysed. Another one has raised an alert meanwhile."""
    site.say("alerting", "I want to cancel my contract.")
    site.say("analysed", "I am angry, my line is dead.", "Write to jane.doe@example.com.")
    site.end("analysed")
    worker = site.worker()
    address = f"{site.address}/v1/call/analysed"
    wait_until(lambda: get(address)["state"] == "ARCHIVED", what="the analysis", patience_s=60)
    events = f"{site.address}/v1/events?limit=1000"
    wait_until(lambda: "alert_raised" in str(get(events)), what="the alert")
    worker.terminate()
    worker.wait(timeout=30)
    return "analysed"


@pytest.fixture(scope="module")
def chromium():
    path = shutil.which("chromium")
    if path is None:
        reason = "there is no chromium on this machine: apt-get install chromium"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(OPTIONS))
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, site):
    """Open pages of a logged-in user. Whatever the browser complains about fails the test."""
    contexts, complaints = [], []

    def make(who="ana", **options) -> Page:
        if "storage_state" not in options:
            options["storage_state"] = _login_of(chromium, site, who)
        contexts.append(chromium.new_context(base_url=site.address, **options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if is_grave(said) else None)
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


def _login_of(chromium, site, who: str):
    if who not in site.logins:
        context = chromium.new_context(base_url=site.address)
        log_in(context.new_page(), who)
        site.logins[who] = context.storage_state()
        context.close()
    return site.logins[who]


def is_grave(message) -> bool:
    """Ignore connections that a test cuts, pages that are refused, and a login's wrong code."""
    if "status of 400" in message.text and message.location["url"].endswith("/login/code/"):
        return False
    refused = ("status of 403", "status of 404", "status of 429")
    expected = ("ERR_CONNECTION", "ERR_EMPTY_RESPONSE", *refused)
    return message.type == "error" and not any(text in message.text for text in expected)


def log_in(page: Page, who: str = "ana") -> None:
    if not page.url.endswith("/login/"):
        page.goto("/supervisor/login/")
    give_name(page, who)
    expect(page).to_have_url(re.compile(r"/supervisor/$"))


def give_name(page: Page, who: str = "ana") -> None:
    page.get_by_label("Username").fill(who)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def open_board(page: Page, query: str = "") -> None:
    page.goto(f"/supervisor/{query}")
    expect(page.locator("#feed")).to_have_attribute("data-feed", "live")


def wait_for(page: Page, condition: str) -> None:
    """Wait without Playwright's own wait, which needs eval, and the page's CSP forbids it."""
    for _ in range(200):
        if page.evaluate(f"Boolean({condition})"):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never true: {condition}")


def row(page: Page, call_id: str):
    return page.locator(f'tr[data-call="{call_id}"]')


def violations(page: Page, *, rules: Iterable[str] = (), without: Iterable[str] = ()) -> list[str]:
    """Return what axe-core finds, by all rules, by these alone, or ``without`` some."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    # Preloading would write styles into the page, which its security policy forbids.
    options = {"resultTypes": ["violations"], "preload": False}
    options["rules"] = {rule: {"enabled": False} for rule in without}
    if rules:
        options["runOnly"] = list(rules)
    found = page.evaluate("(options) => axe.run(document, options)", options)
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


# Keeps what is written into canvases, such as the labels of axes.
WATCH_LABELS = """
window.labels = [];
let canvases = 0;
const write = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...rest) {
    this.canvas.number ??= ++canvases;
    window.labels.push([this.canvas.number, text, Math.round(x), Math.round(y)]);
    return write.call(this, text, x, y, ...rest);
};
"""


def cut_texts(page: Page) -> list[str]:
    """Return the texts of which a part is hidden and cannot be read in any way."""
    return list(page.evaluate(CUT))
