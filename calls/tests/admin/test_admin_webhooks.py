"""Webhooks in the admin: URLs that delivery would refuse are refused at once, and tests work."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from calls.models import WebhookDelivery, WebhookEndpoint
from calls.models.webhook import new_secret
from calls.tests.admin.test_admin import change, changelist, text_of
from calls.tests.fake_server import FakeServer, Reply

pytestmark = pytest.mark.django_db
ADD, TEST = reverse("admin:calls_webhookendpoint_add"), reverse("admin:calls_webhookendpoint_test")
FORM = {"name": "crm", "enabled": "on", "alerts": "on"}


@pytest.fixture(autouse=True)
def _public_addresses_only(settings):
    settings.WEBHOOK_ALLOW_PRIVATE = "none"


def form(url, **fields):
    return {**FORM, "url": url, "secret": new_secret(), **fields}


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://10.0.0.1/x", "10.0.0.1 is not a public address."),
        ("http://127.0.0.1:9/", "127.0.0.1 is not a public address."),
        ("http://[::1]/", "::1 is not a public address."),
        ("http://2130706433/", "is at 127.0.0.1, which is not a public address."),
        ("http://169.254.169.254/latest", "169.254.169.254 is not a public address."),
        ("https://inside.example.com/", "is at 10.1.2.3, which is not a public address."),
        ("ftp://crm.example.com/", "must start with https://"),
        ("https://crm.example.com:0/", "a number from 1 to 65535"),
        ("https://crm.example.com:70000/", "a number from 1 to 65535"),
        ("https://crm.example.com/#top", "without a #"),
    ],
)
def test_a_url_that_would_be_refused_later_is_refused_in_the_form(boss, url, complaint):
    page = text_of(boss.post(ADD, form(url)))

    assert complaint in page
    assert not WebhookEndpoint.objects.exists()


def test_private_addresses_are_accepted_if_the_site_allows_them(boss, settings):
    settings.WEBHOOK_ALLOW_PRIVATE = "all"

    boss.post(ADD, form("http://10.0.0.1/x"))

    assert WebhookEndpoint.objects.get().url == "http://10.0.0.1/x"


def test_a_host_without_an_address_is_accepted_with_a_warning(boss):
    page = text_of(boss.post(ADD, form("https://soon.example/"), follow=True))

    assert "has no address yet" in page
    assert WebhookEndpoint.objects.exists()


def test_an_address_that_is_no_longer_allowed_can_be_disabled_but_not_enabled(boss):
    endpoint = WebhookEndpoint.objects.create(name="crm", url="http://10.0.0.1/x")
    sent = form(endpoint.url, secret=endpoint.secret)

    refused = text_of(boss.post(change(endpoint), sent))
    boss.post(change(endpoint), {key: value for key, value in sent.items() if key != "enabled"})

    endpoint.refresh_from_db()
    assert "is not a public address" in refused
    assert not endpoint.enabled


def test_a_new_webhook_has_no_status_before_its_first_delivery(boss):
    endpoint = WebhookEndpoint.objects.create(name="crm", url="https://crm.example.com/")
    before = text_of(boss.get(changelist("calls_webhookendpoint")))
    WebhookEndpoint.objects.update(delivered_count=1)
    after = text_of(boss.get(changelist("calls_webhookendpoint")))
    WebhookEndpoint.objects.update(failing_since=timezone.now())
    failing = text_of(boss.get(change(endpoint)))

    assert ">Not tried yet<" in before
    assert ">OK<" in after
    assert ">Failing<" in failing


def answer(boss, url, *, endpoint=None, **fields):
    address = TEST + (f"?endpoint={endpoint.pk}" if endpoint else "")
    return text_of(boss.post(address, form(url, **fields), headers={"x-requested-with": "fetch"}))


@pytest.fixture
def receiver(settings):
    settings.WEBHOOK_ALLOW_PRIVATE = "loopback"
    with FakeServer() as running:
        running.misbehave = lambda _seen: Reply(200, "thanks")
        yield running


def test_a_test_of_an_unsaved_form_shows_the_response_and_stores_nothing(boss, receiver):
    page = answer(boss, f"{receiver.url}/hook")

    (seen,) = receiver.posts("/hook")
    assert "Delivered." in page
    assert "thanks" in page
    assert "<html" not in page
    assert seen.body["type"] == "test"
    assert "webhook-signature" in seen.headers
    assert not WebhookDelivery.objects.exists()
    assert not WebhookEndpoint.objects.exists()


def test_a_test_of_a_saved_webhook_is_recorded_and_not_tried_again(boss):
    endpoint = WebhookEndpoint.objects.create(name="crm", url="http://10.0.0.1/x")

    page = answer(boss, endpoint.url, endpoint=endpoint, secret=endpoint.secret)

    delivery = WebhookDelivery.objects.get()
    endpoint.refresh_from_db()
    assert "Not delivered." in page
    assert "10.0.0.1 is not a public address." in page
    assert (delivery.type, delivery.state, delivery.attempts) == ("test", "given_up", 1)
    assert "is not a public address" in delivery.error
    assert endpoint.failing_since is not None


@pytest.mark.parametrize(
    ("url", "secret", "problem"),
    [("ftp://x", "", "must start with https://"), ("https://crm.example.com", "x", "whsec_")],
)
def test_a_test_without_a_usable_url_or_secret_says_so(boss, url, secret, problem):
    assert problem in answer(boss, url, **({"secret": secret} if secret else {}))


def test_without_javascript_the_response_is_shown_on_a_page(boss):
    page = text_of(boss.post(TEST, form("http://10.0.0.1/")))

    assert "<h1>Test message</h1>" in page
    assert "is not a public address" in page


def test_a_test_needs_the_permission_to_change_webhooks(person):
    client = person("view_webhookendpoint")

    assert client.post(TEST, form("https://crm.example.com")).status_code == 403
    assert client.get(TEST).status_code == 403
