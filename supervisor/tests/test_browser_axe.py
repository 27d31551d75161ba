"""axe-core in a real Chromium, on pages with other people's markup: admin, API docs, errors.

The pages of supervisors are looked at where they are used, in the other browser tests.
"""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.template.loader import render_to_string
from django.urls import reverse
from django_otp.oath import totp
from playwright.sync_api import expect

from supervisor.tests.browser import cut_texts, give_name, running_site, violations

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.slow]

MAKE_ROWS = """
from axes.models import AccessAttempt
from django.utils import timezone
from calls.analysis.pausing import pause_analysis
from calls.tests.admin.rows import make_rows
from calls.tests.factories import failed_call
from supervisor.tests.factories import analysed_call

analysed_call("analysed")
failed_call("failed")
make_rows("1")
pause_analysis(by="ana")
AccessAttempt.objects.create(
    username="locked", path_info="/", ip_address="127.0.0.1", attempt_time=timezone.now(),
    failures_since_start=10,
)
"""
KEY, RECOVERY_CODE = "31" * 20, "abcd2345"
# Tess logs in with a code as well.
MAKE_TESS = f"""
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from calls.accounts.second_factor import RECOVERY
tess = User.objects.create(username="tess", password=password)
TOTPDevice.objects.create(user=tess, key={KEY!r}, name="app")
codes = StaticDevice.objects.create(user=tess, name=RECOVERY)
StaticToken.objects.create(device=codes, token={RECOVERY_CODE!r})
"""
COLOURS = ("color-contrast", "link-in-text-block")
# The same on every page of the admin, and half of each.
TAKE_FRAME_AWAY = (
    "for (const id of ['header', 'nav-sidebar']) document.getElementById(id)?.remove()"
)
OF_SWAGGER_UI = (
    # It brings a <main> of its own, around the operations only: what it draws beside them would be
    # in no landmark without ours. A <main> may have no other role.
    "landmark-main-is-top-level", "landmark-no-duplicate-main", "landmark-unique",
    # The bar that opens an operation is a button, and its path a link, for deep links, in it.
    "nested-interactive",
)  # fmt: skip
# Colours are measured where they end, not on their way there.
STAND_STILL = """
const still = new CSSStyleSheet();
still.replaceSync("*, *::before, *::after { transition: none !important }");
document.adoptedStyleSheets = [still];
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site of its own, because its rows of every kind would disturb other tests."""
    with running_site(tmp_path_factory.mktemp("site"), MAKE_ROWS + MAKE_TESS) as running:
        yield running


@pytest.fixture
def open_still(open_page):
    def make(**options):
        page = open_page(**options)
        page.add_init_script(STAND_STILL)
        return page

    return make


def in_both_schemes(page):
    """Return what axe finds in the light theme, and what the colours of the dark one break."""
    page.emulate_media(color_scheme="light")
    found = violations(page)
    page.emulate_media(color_scheme="dark")
    return found + violations(page, rules=COLOURS)


PHONE = 390
# How much wider the page and its list are than what is seen of them.
SPILLS = """() => [document.documentElement, document.querySelector(".results")].map(
    (box) => box ? box.scrollWidth - box.clientWidth : 0
)"""
CUT_CELLS = """() => [...document.querySelectorAll(".cell")].filter(
    (cell) => cell.scrollWidth > cell.clientWidth
).map((cell) => cell.innerText)"""


def not_shown(page):
    """Return what cannot be read of a page and its list, at three widths.

    On a phone, the list may be scrolled, but nobody can point at a text that is cut.
    """
    found = []
    for width in (1366, 1440, PHONE):
        page.set_viewport_size({"width": width, "height": 900})
        of_page, of_list = page.evaluate(SPILLS)
        cut = page.evaluate(CUT_CELLS) if width == PHONE else []
        found.append((width, of_page, 0 if width == PHONE else of_list, cut + cut_texts(page)))
    page.set_viewport_size({"width": 1440, "height": 900})
    return [each for each in found if any(each[1:])]


def admin_lists():
    for model in admin.site._registry:
        yield reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def forms_of(page):
    """Return the addresses of the first row and of the form for a new one, if there are any."""
    links = page.locator("#result_list th a, #result_list td a:only-child, .object-tools .addlink")
    addresses = links.evaluate_all("all => all.map((link) => link.href)")
    changes = [each for each in addresses if each.endswith("/change/")]
    return changes[:1] + [each for each in addresses if each.endswith("/add/")]


def test_axe_finds_nothing_on_the_login_and_the_lock_out_page(open_still):
    page = open_still(storage_state=None)

    page.goto("/admin/login/")
    assert in_both_schemes(page) == []
    page.goto("/supervisor/login/")
    assert in_both_schemes(page) == []
    give_name(page, "nobody")
    expect(page.get_by_text("correct username and password")).to_be_visible()
    assert in_both_schemes(page) == []
    give_name(page, "locked")
    expect(page.get_by_role("heading", name="Too many wrong passwords")).to_be_visible()
    assert in_both_schemes(page) == []


def test_axe_finds_nothing_during_a_login_with_password_and_code(open_still):
    page = open_still(storage_state=None)
    page.goto("/supervisor/account/")
    give_name(page, "tess")
    expect(page.get_by_role("heading", name="Enter a code")).to_be_visible()
    assert in_both_schemes(page) == []

    give_code(page, f"{totp(bytes.fromhex(KEY)):06d}")

    expect(page.get_by_role("heading", name="Where you are logged in")).to_be_visible()
    assert in_both_schemes(page) == []


def test_a_wrong_code_is_reported_and_a_recovery_code_works(open_still):
    page = open_still(storage_state=None)
    page.goto("/supervisor/account/")
    give_name(page, "tess")

    give_code(page, f"{(totp(bytes.fromhex(KEY)) + 500_000) % 1_000_000:06d}")

    expect(page.get_by_role("alert")).to_have_text("Wrong code.")
    expect(page.get_by_label("Code")).to_be_focused()
    assert in_both_schemes(page) == []
    give_code(page, RECOVERY_CODE)
    expect(page.get_by_text("You have 0 recovery codes left.")).to_be_visible()


def give_code(page, code):
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Log in").click()


def test_axe_finds_nothing_on_error_pages(open_still):
    page = open_still(who="sam")
    broken = render_to_string("500.html")
    page.route("**/broken", lambda route: route.fulfill(body=broken, content_type="text/html"))

    for path, heading in (
        ("/supervisor/", "You don't have access"),
        ("/supervisor/nothing", "Page not found"),
        ("/broken", "Something went wrong"),
    ):
        page.goto(path)
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        assert in_both_schemes(page) == [], path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_in_the_api_docs_only_what_swagger_ui_alone_can_change(open_still, scheme):
    page = open_still(color_scheme=scheme)
    page.goto("/docs")
    page.locator("#operations-supervise-dismiss_call .opblock-summary-control").click()
    operation = page.locator("#operations-supervise-dismiss_call")
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_placeholder("call_id").fill("failed")
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table")).to_contain_text('"state": "FAILED"')
    assert violations(page, without=OF_SWAGGER_UI) == []

    page.get_by_role("button", name="Authorize", exact=True).first.click()
    expect(page.get_by_text("Available authorizations")).to_be_visible()
    assert violations(page, without=OF_SWAGGER_UI) == []


def test_axe_finds_nothing_in_the_trial_of_a_rule(open_still):
    page = open_still()
    page.goto(reverse("admin:calls_alertrule_add"))
    page.locator("#id_name").fill("Anger")
    page.locator("#id_kind").select_option("words")
    page.locator("#id_phrases").fill("angry")

    page.get_by_role("button", name="Try on past calls").click()

    expect(page.get_by_text("would have raised an alert on 1 of")).to_be_visible()
    expect(page.locator("#id_within_s")).to_be_hidden()
    page.evaluate(STAND_STILL)
    assert in_both_schemes(page) == []


def test_axe_finds_nothing_on_each_kind_of_admin_page(open_still):
    page = open_still()

    for path in (
        "/admin/",
        "/admin/calls/call/",
        "/admin/calls/call/1/change/",
        "/admin/calls/alertrule/",
        "/admin/calls/alertrule/add/",
        "/admin/nothing/",
    ):
        page.goto(path)
        assert in_both_schemes(page) == [], path


def test_axe_finds_nothing_in_any_list_or_form_of_the_admin_and_nothing_is_cut_off(open_still):
    page, found, hidden = open_still(), {}, {}

    for address in admin_lists():
        page.goto(address)
        forms, hidden[address] = forms_of(page), not_shown(page)
        page.evaluate(TAKE_FRAME_AWAY)
        found[address] = violations(page)
        for form in forms:
            page.goto(form)
            hidden[form] = not_shown(page)
            page.evaluate(TAKE_FRAME_AWAY)
            found[form] = violations(page)

    assert {path: those for path, those in found.items() if those} == {}
    assert {path: those for path, those in hidden.items() if those} == {}
    assert len(found) > 2 * len(admin.site._registry)
