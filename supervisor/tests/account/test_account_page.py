"""The account page: the user, the password, and where they are logged in."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from calls.accounts import sessions
from calls.accounts.sessions import prune_sessions
from calls.models import LoginSession
from supervisor.tests.factories import text_of

pytestmark = pytest.mark.django_db
LOGIN = "/supervisor/login/"
PAGE = "/supervisor/account/"
PASSWORD = f"{PAGE}password/"
SETTINGS = f"{PAGE}settings/"
WRONG = "wrong password, or no such account"
OLD, NEW = "correct horse", "battery staple 9"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
PHONE = (
    "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Mobile Safari/537.36"
)


@pytest.fixture
def ana(db):
    return User.objects.create_user("ana", "ana@example.com", OLD, first_name="Ana", last_name="Li")


def logged_in(agent=FIREFOX, address="192.0.2.7", password=OLD):
    client = Client(headers={"user-agent": agent}, REMOTE_ADDR=address)
    response = client.post(LOGIN, {"username": "ana", "password": password})
    assert response.status_code == 302
    return client


def change(client, old=OLD, new=NEW, again=NEW):
    return client.post(PASSWORD, {"password": old, "new_password1": new, "new_password2": again})


def is_in(client):
    return client.get(SETTINGS).status_code == 200


# --- The page ---------------------------------------------------------------------------------
def test_the_account_page_shows_the_user_and_every_page_links_to_it(ana):
    ana.groups.add(Group.objects.create(name="Night shift"))

    page = logged_in().get(PAGE)

    for fact in ("ana", "Ana Li", "ana@example.com", "Night shift"):
        assert fact in text_of(page)
    assert f'class="popup__item" href="{PAGE}"' in page.content.decode()
    assert f'href="{SETTINGS}"' in page.content.decode()


def test_the_admin_also_links_to_the_account(admin_client):
    page = admin_client.get("/admin/")

    assert f'class="popup__item" href="{PAGE}"' in page.content.decode()
    assert admin_client.get("/admin/password_change/").url == PASSWORD


# --- The password -----------------------------------------------------------------------------
def test_a_new_password_is_valid_at_once_and_ends_the_other_logins(ana):
    here, elsewhere = logged_in(), logged_in(PHONE)

    response = change(here)

    assert response.url == PAGE
    page = text_of(here.get(PAGE))
    assert "Password changed. 1 other login has ended." in page
    assert "Chrome on Android" not in page
    assert not is_in(elsewhere)
    assert logged_in(password=NEW)


def test_the_login_that_changes_the_password_keeps_its_time(ana):
    client = logged_in()
    since = timezone.now() - timedelta(hours=3)
    LoginSession.objects.update(logged_in_at=since)

    change(client)

    assert LoginSession.objects.get().logged_in_at == since


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"old": "wrong"}, "Wrong password."),
        ({"old": ""}, "Enter your password."),
        ({"again": "another 9 words"}, "The two passwords are different."),
        ({"new": "short1", "again": "short1"}, "at least 8 characters"),
        ({"new": "ana@example.com", "again": "ana@example.com"}, "too similar"),
    ],
)
def test_a_refused_password_is_explained_and_changes_nothing(ana, answers, said):
    client = logged_in()

    response = change(client, **answers)

    assert response.status_code == 400
    assert said in text_of(response)
    assert User.objects.get().check_password(OLD)


def test_wrong_passwords_on_the_account_page_count_towards_the_lock_out(ana, settings):
    settings.AXES_FAILURE_LIMIT = 3
    client = logged_in()

    answers = [change(client, old=f"guess {number}").status_code for number in range(3)]

    assert answers == [400, 400, 429]
    assert change(client).status_code == 429


def test_a_user_without_a_local_password_is_told_where_to_change_it(ana, client):
    ana.set_unusable_password()
    ana.save()
    client.force_login(ana)

    assert "Change your password there" in text_of(client.get(PASSWORD))
    assert "Change password" not in text_of(client.get(PAGE))
    assert change(client).status_code == 200
    assert not User.objects.get().has_usable_password()


def test_an_administrator_who_sets_a_password_ends_all_logins_with_it(ana, admin_client):
    client = logged_in()

    admin_client.post(
        f"/admin/auth/user/{ana.pk}/password/",
        {"password1": NEW, "password2": NEW, "usable_password": "true"},
    )

    assert not is_in(client)
    assert not LoginSession.objects.filter(user=ana).exists()


# --- Logins -----------------------------------------------------------------------------------
def test_logins_are_listed_with_device_address_and_time_and_this_one_first(ana):
    here = logged_in(address="192.0.2.7")
    logged_in(PHONE, "2001:db8::9")
    LoginSession.objects.update(logged_in_at=timezone.now() - timedelta(days=1))

    page = text_of(here.get(PAGE))

    assert page.index("Firefox on Windows This one") < page.index("Chrome on Android")
    assert "192.0.2.7 · logged in" in page
    assert "2001:db8::9 · logged in" in page


def test_a_login_that_is_ended_is_refused_at_once(ana):
    here, elsewhere = logged_in(), logged_in(PHONE)
    row = LoginSession.objects.get(user_agent=PHONE)

    response = here.post(f"{PAGE}logins/{row.pk}/end/", follow=True)

    assert "This login has ended." in text_of(response)
    assert not is_in(elsewhere)
    assert is_in(here)


def test_all_others_are_ended_together(ana):
    here, others = logged_in(), [logged_in(PHONE), logged_in(PHONE)]

    response = here.post(f"{PAGE}logins/end-others/", follow=True)

    assert "2 other logins ended." in text_of(response)
    assert [is_in(each) for each in others] == [False, False]
    assert is_in(here)
    assert "End all other logins" not in text_of(response)


def test_nobody_ends_the_login_of_somebody_else(ana):
    User.objects.create_user("vic", password=OLD)
    vic = Client()
    vic.post(LOGIN, {"username": "vic", "password": OLD})
    here = logged_in()
    row = LoginSession.objects.get(user=ana)

    response = vic.post(f"{PAGE}logins/{row.pk}/end/", follow=True)

    assert "This login had already ended." in text_of(response)
    assert is_in(here)


def test_logins_are_ended_by_post_only(ana):
    here = logged_in()

    assert here.get(f"{PAGE}logins/1/end/").status_code == 405
    assert here.get(f"{PAGE}logins/end-others/").status_code == 405


def test_the_key_of_a_session_is_never_shown(ana):
    here = logged_in()

    html = here.get(PAGE).content.decode()

    assert here.cookies["sessionid"].value not in html


def test_a_logout_takes_its_login_off_the_list(ana):
    here, elsewhere = logged_in(), logged_in(PHONE)

    elsewhere.post("/supervisor/logout/")

    assert "Chrome on Android" not in text_of(here.get(PAGE))


def test_a_login_from_before_the_list_joins_it_with_the_next_page(ana):
    here = logged_in()
    LoginSession.objects.all().delete()
    sessions.forget_seen()

    here.get(SETTINGS)

    assert LoginSession.objects.get().user == ana


def test_the_last_activity_of_a_login_is_updated_after_a_minute(ana):
    here = logged_in()
    LoginSession.objects.update(last_seen_at=timezone.now() - timedelta(hours=1))

    here.get(SETTINGS)
    assert LoginSession.objects.get().last_seen_at < timezone.now() - timedelta(minutes=59)

    sessions.forget_seen()
    here.get(SETTINGS)
    assert LoginSession.objects.get().last_seen_at > timezone.now() - timedelta(minutes=1)


def test_expired_logins_are_neither_listed_nor_kept(ana):
    here, _ = logged_in(), logged_in(PHONE)
    row = LoginSession.objects.get(user_agent=PHONE)
    past = timezone.now() - timedelta(seconds=1)
    Session.objects.filter(pk=row.session_id).update(expire_date=past)

    assert "Chrome on Android" not in text_of(here.get(PAGE))
    prune_sessions()

    assert LoginSession.objects.get().user_agent == FIREFOX
    assert Session.objects.count() == 1


# --- The log ----------------------------------------------------------------------------------
def test_the_log_names_logins_failures_and_logouts_with_their_address(ana, caplog):
    caplog.set_level(logging.INFO, "calls.logins")

    client = logged_in(address="192.0.2.7")
    client.post("/supervisor/logout/")
    client.post(LOGIN, {"username": "ana\nroot logged in", "password": "wrong"})

    found = [(each.levelname, each.getMessage()) for each in caplog.records]
    assert found == [
        ("INFO", "login of 'ana' from 192.0.2.7"),
        ("INFO", "logout of 'ana' from 192.0.2.7"),
        ("WARNING", f"failed login of 'ana\\nroot logged in' from 192.0.2.7: {WRONG}"),
    ]


def test_the_log_names_a_lock_out(ana, caplog, client, settings):
    settings.AXES_FAILURE_LIMIT = 1

    client.post(LOGIN, {"username": "ana", "password": "wrong"})

    assert "login of 'ana' from 127.0.0.1 is locked" in caplog.text
