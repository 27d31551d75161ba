"""What mail servers, chats and services receive, and what is refused before sending."""

from __future__ import annotations

import json
import threading
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from aiosmtpd.controller import Controller
from apprise.plugins.slack import NotifySlack
from apprise.plugins.workflows import NotifyWorkflows
from django.core import mail as django_mail

from benchmarks.rig.waiting import free_port
from calls.notifications import chat
from calls.notifications.sender import send_notice
from calls.notifications.text import Notice

NOTICE = Notice(
    "Critical: Leaving, billing",
    "Agent: Ana_x\nCustomer at 1:23: “My *lawyer*.”\nhttps://calls.example.com/c/1/?t=83#here",
)
SLACK = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
TEAMS = (
    "https://prod-12.westeurope.logic.azure.com:443/workflows/643e69f83c8944438d68119179a10a64"
    "/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0"
    "&sig=KODuebWbDGYFr0z0eu-6Rj8aUKz7108W3wrNJZxFE5A"
)


class Inbox:
    """A mail server that keeps what it gets, or answers as told."""

    def __init__(self):
        self.messages, self.answer = [], "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 (aiosmtpd's name)
        message = message_from_bytes(envelope.content, policy=policy.default)
        self.messages.append((envelope.rcpt_tos, message))
        return self.answer


@pytest.fixture
def inbox(settings):
    kept = Inbox()
    controller = Controller(kept, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = controller.port
    yield kept
    controller.stop()


class Service(HTTPServer):
    """A service that keeps what is posted, and answers as told."""

    def __init__(self):
        self.seen, self.status, self.text, self.location = [], 200, b"ok", ""
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.seen.append((self.path, json.loads(body)))
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("location", self.server.location)
        self.send_header("content-length", str(len(self.server.text)))
        self.end_headers()
        self.wfile.write(self.server.text)

    def log_message(self, *_args):
        pass


@pytest.fixture
def service():
    with Service() as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_an_email_arrives_at_every_recipient(inbox):
    outcome = send_notice("email", "ana@example.com, ben@example.com", NOTICE)

    ((recipients, message),) = inbox.messages
    assert outcome.is_success
    assert recipients == ["ana@example.com", "ben@example.com"]
    assert message["subject"] == "[callcenter] Critical: Leaving, billing"
    assert "My *lawyer*." in message.get_content()


def test_the_response_of_the_mail_server_is_reported(inbox):
    inbox.answer = "550 No such user"

    outcome = send_notice("email", "ana@example.com", NOTICE)

    assert not outcome.is_success
    assert outcome.told == "The mail server returned 550 No such user"


def test_an_unreachable_mail_server_is_reported(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    assert "could not be used" in send_notice("email", "ana@example.com", NOTICE).told


def test_a_service_gets_json_and_its_own_query(service):
    outcome = send_notice("webhook", f"{service.url}/hook?a=b&verify=no", NOTICE)

    ((path, body),) = service.seen
    assert outcome.is_success
    assert path == "/hook?a=b&verify=no"
    assert (body["title"], body["message"]) == (NOTICE.title, NOTICE.body)


@pytest.mark.parametrize(
    ("status", "seen", "told"),
    [(410, 410, "error=410"), (503, 503, "error=503"), (302, 302, "error=302")],
)
def test_the_response_of_a_service_is_reported_without_following_redirects(
    service, status, seen, told
):
    service.status, service.location = status, f"{service.url}/elsewhere"

    outcome = send_notice("webhook", f"{service.url}/hook", NOTICE)

    assert (outcome.status, told in outcome.told) == (seen, True)
    assert [path for path, _ in service.seen] == ["/hook"]


def test_slack_gets_text_without_mentions(service, monkeypatch):
    monkeypatch.setattr(NotifySlack, "webhook_url", f"{service.url}/services")

    outcome = chat.post("slack", SLACK, NOTICE)

    ((_, body),) = service.seen
    assert outcome.is_success
    assert body["mrkdwn"] is False
    assert "My *lawyer*." in body["attachments"][0]["text"]
    assert "icon_url" not in body


def test_a_200_from_slack_with_a_reason_is_a_failure(service, monkeypatch):
    monkeypatch.setattr(NotifySlack, "webhook_url", f"{service.url}/services")
    service.text = b"invalid_payload"

    outcome = chat.post("slack", SLACK, NOTICE)

    assert (outcome.is_success, outcome.status) == (False, None)


def test_teams_gets_a_card_with_a_link_and_the_words_as_text(service, monkeypatch):
    import apprise.plugins.workflows as module

    # The host of a workflow is always Microsoft's.
    post = module.requests.post
    monkeypatch.setattr(
        module.requests, "post", lambda url, **options: post(f"{service.url}/teams", **options)
    )

    outcome = chat.post("teams", TEAMS, NOTICE)

    ((path, body),) = service.seen
    texts = [part.get("text", "") for part in body["attachments"][0]["content"]["body"]]
    assert outcome.is_success
    assert "sig=KODuebWbDGYFr0z0eu-6Rj8aUKz7108W3wrNJZxFE5A" in path
    assert "[Open the call](https://calls.example.com/c/1/?t=83#here)" in texts[-1]
    assert r"My \*lawyer\*" in texts[-1]


@pytest.mark.parametrize(
    ("kind", "address"), [("slack", TEAMS), ("teams", SLACK), ("slack", "https://example.com/x")]
)
def test_an_address_of_another_service_is_refused(kind, address):
    assert not chat.post(kind, address, NOTICE).is_success


def test_no_parameter_of_an_address_turns_off_the_check_of_certificates():
    plugin = chat.plugin_of("teams", f"{TEAMS}&verify=no&redirect=yes")

    assert isinstance(plugin, NotifyWorkflows)
    assert (plugin.verify_certificate, plugin.redirects) == (True, False)


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("http://93.184.216.34/x", "must start with https://"),
        ("https://10.0.0.1/x", "not a public address"),
        ("https://0x7f.1/x", "not a public address"),
        ("https://localhost/x", "not a public address"),
        ("https://user:word@93.184.216.34/", "must not contain a user"),
        ("ftp://93.184.216.34/", "must start with https://"),
    ],
)
def test_private_addresses_and_plain_http_are_refused(settings, address, complaint):
    settings.WEBHOOK_ALLOW_PRIVATE = "none"

    assert complaint in send_notice("webhook", address, NOTICE).told


def test_email_is_refused_while_it_is_off(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"

    assert "EMAIL_URL is not set" in send_notice("email", "ana@example.com", NOTICE).told
    assert not getattr(django_mail, "outbox", [])
