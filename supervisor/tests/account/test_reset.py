"""A forgotten password: the e-mail with the link, and what the link opens."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ

from calls.accounts.reset import Limit, of_mailboxes, of_visitors
from calls.tasks import send_resets
from supervisor.tests.factories import text_of

pytestmark = pytest.mark.django_db
LOGIN = "/supervisor/login/"
FORGOTTEN = f"{LOGIN}forgotten/"
SETTINGS = "/supervisor/account/settings/"
OLD, NEW = "correct horse", "battery staple 9"


@pytest.fixture(autouse=True)
def _mail_is_set_up(settings):
    settings.SITE_URL = "https://calls.example.com"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    of_mailboxes.forget()
    of_visitors.forget()


@pytest.fixture
def ana(db):
    return User.objects.create_user("ana", "ana@example.com", OLD)


def ask(email="ana@example.com", **more):
    """Ask for a link, and run the jobs that this queues."""
    page = Client().post(FORGOTTEN, {"email": email}, **more)
    for job in OrmQ.objects.all():
        assert job.task["func"] == "calls.tasks.send_resets"
        send_resets(*job.task["args"])
        job.delete()
    return page


def link():
    return re.search(r"https://calls\.example\.com(/\S+)", mail.outbox[-1].body).group(1)


def set_new(client, address, password=NEW):
    form = client.get(address)
    where = form.url if form.status_code == 302 else address
    return client.post(where, {"new_password1": password, "new_password2": password})


def is_in(client):
    return client.get(SETTINGS).status_code == 200


def test_the_link_sets_a_password_once_and_ends_the_other_logins(ana, client):
    elsewhere = Client()
    elsewhere.post(LOGIN, {"username": "ana", "password": OLD})
    ask("ANA@example.com")
    [message] = mail.outbox
    address = link()

    done = set_new(client, address)

    assert message.to == ["ana@example.com"]
    assert done.url == LOGIN
    assert not is_in(elsewhere)
    assert not is_in(client)
    client.post(LOGIN, {"username": "ana", "password": NEW})
    assert is_in(client)
    assert "This link no longer works" in text_of(Client().get(address))


def test_the_answer_is_the_same_whether_the_account_exists(ana):
    answers = [ask(email) for email in ("ana@example.com", "nobody@example.com")]

    assert text_of(answers[0]) == text_of(answers[1])
    assert len(mail.outbox) == 1


def test_the_host_header_does_not_choose_the_link(ana, settings):
    settings.ALLOWED_HOSTS = ["*"]

    ask(headers={"host": "evil.example"})

    assert "evil" not in mail.outbox[0].body


def test_a_link_expires_after_an_hour(ana, client):
    ask()
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert "This link no longer works" in text_of(client.get(link()))


def test_a_login_invalidates_the_link(ana, client):
    ask()
    client.post(LOGIN, {"username": "ana", "password": OLD})

    assert "This link no longer works" in text_of(Client().get(link()))


@pytest.mark.parametrize("address", ["MQ/x-y/", "x/set-password/", "MQ/set-password/"])
def test_a_forged_link_opens_nothing(ana, client, address):
    page = client.get(f"{LOGIN}reset/{address}")

    assert page.status_code == 200
    assert "This link no longer works" in text_of(page)


def test_weak_passwords_are_refused_on_the_reset_page(ana, client):
    ask()

    assert "too common" in text_of(set_new(client, link(), "password"))
    assert User.objects.get().check_password(OLD)


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "!"}, {"email": ""}])
def test_accounts_that_log_in_with_no_password_here_get_no_link(ana, change):
    User.objects.update(**change)

    ask()

    assert mail.outbox == []


def test_requests_for_one_address_are_limited(ana):
    pages = [ask(REMOTE_ADDR=f"192.0.2.{each}") for each in range(5)]

    assert {page.status_code for page in pages} == {200}
    assert len(mail.outbox) == 3


def test_a_network_that_asks_too_often_is_slowed_down(ana):
    pages = [ask(f"{each}@example.com") for each in range(11)]

    assert [page.status_code for page in pages] == [200] * 10 + [429]
    assert pages[-1]["Retry-After"] == "3600"
    assert "Too many requests from your network." in text_of(pages[-1])


def test_the_limit_ends_after_its_time():
    now = 0.0
    limit = Limit(1, 60, clock=lambda: now)

    assert [limit.take("a"), limit.take("a"), limit.take("b")] == [True, False, True]
    now = 61.0
    assert limit.take("a")


def test_an_invalid_email_address_is_named(client):
    page = client.post(FORGOTTEN, {"email": "ana"})

    assert page.status_code == 400
    assert "Enter an e-mail address such as ana@example.com." in text_of(page)


@pytest.mark.parametrize(
    "missing", [{"SITE_URL": ""}, {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}]
)
def test_a_site_without_mail_offers_no_reset(client, settings, missing):
    assert "Forgotten your password?" in text_of(client.get(LOGIN))
    for name, value in missing.items():
        setattr(settings, name, value)

    assert "Forgotten your password?" not in text_of(client.get(LOGIN))
    assert client.get(FORGOTTEN).status_code == 404
    assert client.get(f"{LOGIN}reset/MQ/x-y/").status_code == 404
