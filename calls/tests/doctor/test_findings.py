"""What the doctor concludes from the facts, case by case."""

from dataclasses import replace

import pytest

from calls.doctor.facts import (
    DatabaseFacts,
    Facts,
    HostFacts,
    ProviderFacts,
    ServiceFacts,
    SignOnFacts,
    VisitFacts,
)
from calls.doctor.findings import Level, judge, worst

OK, WARNING, PROBLEM = Level
SECRET = "k7Qw2_zX9-vB4nM1pL8sD3fG6hJ0tR5yU7iO2aE4cW6bN8mK1qZ"
WELL = Facts(
    database=DatabaseFacts(settings={"fsync": "on", "synchronous_commit": "on"}),
    service=ServiceFacts(),
    host=HostFacts(secret_key=SECRET),
    provider=ProviderFacts(),
    sign_on=SignOnFacts(errors={"directory": ""}),
)
VISIT = VisitFacts(
    url="https://calls.example.com",
    scheme="https",
    host="calls.example.com",
    client="203.0.113.7",
    socket_status=101,
)


def with_part(part, **changed):
    return replace(WELL, **{part: replace(getattr(WELL, part), **changed)})


def on_visit(**changed):
    return replace(WELL, visit=replace(VISIT, **changed))


CASES = [
    ("database", with_part("database", error="refused"), PROBLEM, "does not respond: refused"),
    ("database", with_part("database", version=(13, 4)), PROBLEM, "13.4 is too old"),
    ("durability", with_part("database", settings={"fsync": "off"}), PROBLEM, "fsync=off"),
    ("durability", with_part("database", settings={"synchronous": "1"}), PROBLEM, "synchronous=1"),
    ("durability", with_part("database", settings={"synchronous": "2"}), OK, "survive"),
    ("migrations", with_part("database", pending_migrations=3), PROBLEM, "3 migrations"),
    ("clock", with_part("database", clock_skew_s=0.4), OK, "agree"),
    ("clock", with_part("database", clock_skew_s=2.0), WARNING, "2.0 s ahead"),
    ("clock", with_part("database", clock_skew_s=-60.0), PROBLEM, "60.0 s behind"),
    ("database disk", with_part("database", free_bytes=10**8), PROBLEM, "0.1 GB"),
    ("worker", with_part("service", workers=0, silent_s=None), PROBLEM, "ever run"),
    ("worker", with_part("service", workers=0, silent_s=90), PROBLEM, "for 90 s"),
    ("listener", with_part("service", listeners=0), WARNING, "No process transcribes"),
    ("queue", with_part("service", oldest_s=2000), WARNING, "2000 s"),
    ("queue", with_part("service", is_paused=True, oldest_s=2000), WARNING, "paused"),
    ("jobs", with_part("service", failed_jobs=2), WARNING, "2 background jobs"),
    ("erasures", with_part("service", ledger_error="denied"), PROBLEM, "cannot be read: denied"),
    ("erasures", with_part("service", is_restored=True), PROBLEM, "may be back"),
    ("API keys", with_part("service", expired_keys=("pbx (ab…)",)), WARNING, "expired: pbx"),
    ("API keys", with_part("service", expiring_keys=("pbx (ab…)",)), WARNING, "soon: pbx"),
    ("storage", with_part("host", storage_problem="It cannot."), PROBLEM, "It cannot."),
    ("recordings disk", with_part("host", media_free_bytes=10**9), WARNING, "1.0 GB"),
    ("recordings disk", with_part("host", media_free_bytes=10**12), OK, "1000.0 GB"),
    ("secret key", with_part("host", secret_key="short"), PROBLEM, "easily guessed"),
    ("secret key", with_part("host", secret_key="ab" * 50), PROBLEM, "easily guessed"),
    ("secret key", with_part("host", secret_key="django-insecure-" + SECRET), PROBLEM, "guessed"),
    ("debug", with_part("host", debug=True), PROBLEM, "DEBUG is on"),
    ("cookies", with_part("host", https=False), WARNING, "plain HTTP"),
    ("static files", with_part("host", static_collected=False), PROBLEM, "no styles"),
    ("mail", with_part("host", mail_needed=True), PROBLEM, "no mail server"),
    ("mail", with_part("host", mail_configured=True, mail_error="no"), PROBLEM, "respond: no"),
    (
        "mail",
        with_part("host", mail_needed=True, mail_configured=True, site_url=""),
        WARNING,
        "no links",
    ),
    ("speech", with_part("provider", missing=("av",)), PROBLEM, "missing: av"),
    ("models", with_part("provider", model_problems=("odd digest",)), PROBLEM, "odd digest"),
    ("provider", with_part("provider", name="openai", error="401"), PROBLEM, "openai does not"),
    ("directory", with_part("sign_on", errors={"directory": "no"}), PROBLEM, "be reached: no"),
    ("sign-on groups", with_part("sign_on", unknown_groups=("Leads",)), WARNING, "called Leads"),
    ("site", on_visit(error="timed out"), PROBLEM, "timed out"),
    ("site", on_visit(is_ours=False), WARNING, "a different site"),
    ("proxy scheme", on_visit(scheme="http"), PROBLEM, "http instead of https"),
    ("proxy host", on_visit(host="127.0.0.1:8000"), PROBLEM, "instead of calls.example.com"),
    ("client address", on_visit(client="127.0.0.1"), WARNING, "of every client"),
    ("WebSockets", on_visit(socket_status=404), PROBLEM, "got 404"),
    ("WebSockets", on_visit(socket_status=403), OK, "passes them on"),
]


def test_a_healthy_deployment_has_no_problems():
    findings = judge(replace(WELL, visit=VISIT))

    assert [each for each in findings if each.level is not OK] == []
    assert worst(findings) == OK


@pytest.mark.parametrize(("subject", "facts", "level", "text"), CASES)
def test_a_fact_becomes_one_finding(subject, facts, level, text):
    (finding,) = [each for each in judge(facts) if each.subject == subject]

    assert finding.level is level
    assert text in finding.text
    assert bool(finding.mend) == (level is not OK)


def test_every_finding_says_in_sentences_how_to_fix_it():
    for _, facts, _, _ in CASES:
        for each in judge(facts):
            assert each.text.endswith((".", ": refused", ": no", "digest", "401", "timed out"))
            assert each.level is OK or each.mend.endswith(".")


def test_the_local_profile_skips_production_checks():
    findings = judge(with_part("host", is_local=True, secret_key="x", https=False))

    assert {"secret key", "cookies", "static files"}.isdisjoint(each.subject for each in findings)
