"""``manage.py doctor`` on this machine, and through a real server."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from calls.doctor.looking import read_facts
from calls.doctor.visiting import visit
from calls.monitoring.visits import HEADER, make_pass

pytestmark = pytest.mark.django_db


def doctor(*options):
    """Return the exit status and the output."""
    output = StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("doctor", *options, stdout=output)
    return left.value.code, output.getvalue()


def test_the_doctor_says_what_is_wrong_and_how_to_fix_it():
    status, output = doctor()

    assert status == 2
    assert "No worker has ever run." in " ".join(output.split())
    assert "manage.py qcluster" in output


def test_json_has_each_check_with_its_level(heartbeat):
    status, output = doctor("--json")

    found = json.loads(output)
    by_check = {each["check"]: each for each in found["findings"]}
    assert by_check["database"]["level"] == "ok"
    assert by_check["worker"] == {"check": "worker", "level": "ok", "text": "1 alive.", "mend": ""}
    assert by_check["migrations"]["level"] == "ok"
    assert status == {"ok": 0, "warning": 1, "problem": 2}[found["status"]]


def test_a_provider_that_cannot_be_reached_is_named(settings):
    settings.AI_PROVIDER, settings.OPENAI_BASE_URL = "openai", "http://127.0.0.1:9"

    assert read_facts().provider.error


def test_a_mail_server_that_cannot_be_reached_is_named(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9

    assert "refused" in read_facts().host.mail_error


def test_an_invalid_address_is_refused():
    with pytest.raises(CommandError, match="--url must be like"):
        call_command("doctor", "--url", "calls.example.com")


def test_a_site_that_does_not_respond_is_named():
    assert visit("http://127.0.0.1:9").error


def test_only_the_holder_of_the_secret_key_sees_what_the_site_saw(client):
    assert "seen" not in client.get("/healthz").json()
    assert "seen" not in client.get("/healthz", headers={HEADER: "visit:1:x"}).json()

    seen = client.get("/healthz", headers={HEADER: make_pass()}).json()["seen"]

    assert seen == {"scheme": "http", "host": "testserver", "client": "127.0.0.1"}
