"""The second factor: set-up, login with a code, recovery, and what the site requires."""

from __future__ import annotations

import re
import time
from base64 import b32decode

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from calls.accounts.second_factor import renew_recovery_codes
from calls.models import LoginSession
from supervisor.tests.factories import text_of

pytestmark = pytest.mark.django_db
LOGIN = "/supervisor/login/"
CODE = f"{LOGIN}code/"
SET_UP_AT_LOGIN = f"{LOGIN}set-up/"
ACCOUNT = "/supervisor/account/"
SET_UP = f"{ACCOUNT}second-factor/"
CODES = f"{SET_UP}codes/"
OFF = f"{SET_UP}off/"
SETTINGS = f"{ACCOUNT}settings/"
PASSWORD = "correct horse"
KEY = "31" * 20


@pytest.fixture
def ana(db):
    return User.objects.create_user("ana", password=PASSWORD)


@pytest.fixture
def device(ana):
    return TOTPDevice.objects.create(user=ana, key=KEY, name="app")


def give_password(client, target="", **more):
    return client.post(LOGIN, {"username": "ana", "password": PASSWORD, "next": target}, **more)


def code_of(key=KEY, later=0):
    return f"{totp(bytes.fromhex(key), drift=later):06d}"


def wrong_code(key=KEY):
    valid = {code_of(key, later) for later in (-1, 0, 1)}
    return next(code for code in ("000000", "111111", "222222", "333333") if code not in valid)


def key_on(page):
    shown = re.search(r'factor__key">([A-Z2-7 ]+)<', page.content.decode()).group(1)
    return b32decode(shown.replace(" ", "")).hex()


def codes_on(page):
    return re.findall(r"<li>([a-z2-7]{4}-[a-z2-7]{4})</li>", page.content.decode())


def is_in(client):
    return client.get(SETTINGS).status_code == 200


def may_try_again():
    """As if the pause after a wrong code were over."""
    TOTPDevice.objects.update(throttling_failure_timestamp=None, throttling_failure_count=0)


# --- Set-up -----------------------------------------------------------------------------------
def test_a_factor_is_set_up_with_a_key_a_code_and_recovery_codes(ana, client):
    give_password(client)
    page = client.get(SET_UP)
    key = key_on(page)

    done = client.post(SET_UP, {"code": code_of(key)})

    assert len(codes_on(done)) == 10
    account = text_of(client.get(ACCOUNT))
    assert "Second factor On" in account
    assert "10 recovery codes left" in account
    assert give_password(Client()).url == CODE


def test_the_key_stays_the_same_until_a_code_confirms_it(ana, client):
    give_password(client)

    keys = {key_on(client.get(SET_UP)) for _ in range(2)}
    refused = client.post(SET_UP, {"code": wrong_code(*keys)})

    assert refused.status_code == 400
    assert "Enter the code that the app shows now." in text_of(refused)
    assert {key_on(refused)} == keys
    assert not TOTPDevice.objects.exists()


def test_every_login_gets_its_own_key(ana):
    first, second = Client(), Client()
    give_password(first)
    give_password(second)

    assert key_on(first.get(SET_UP)) != key_on(second.get(SET_UP))


def test_the_logins_without_the_factor_end_when_it_is_set_up(ana):
    here, elsewhere = Client(), Client()
    give_password(here)
    give_password(elsewhere)

    here.post(SET_UP, {"code": code_of(key_on(here.get(SET_UP)))})

    assert is_in(here)
    assert not is_in(elsewhere)


def test_the_key_is_out_of_reach_once_the_factor_is_on(ana, client):
    give_password(client)
    client.post(SET_UP, {"code": code_of(key_on(client.get(SET_UP)))})

    assert client.get(SET_UP).url == ACCOUNT


def test_the_qr_code_needs_no_style_and_scales_without_being_cut_off(ana, client):
    give_password(client)

    html = client.get(SET_UP).content.decode()

    assert " style=" not in html
    code = re.search(r'<svg [^>]*class="qr"[^>]*>', html).group()
    assert 'viewBox="0 0 ' in code
    assert "width=" not in code


# --- The login --------------------------------------------------------------------------------
def test_the_password_alone_opens_nothing(device, client):
    response = give_password(client)

    assert response.url == CODE
    assert not is_in(client)
    assert client.get("/v1/call").status_code in (200, 401, 403)  # as for any visitor
    assert not LoginSession.objects.exists()


def test_a_code_completes_the_login_and_redirects_to_the_wanted_page(device, client):
    give_password(client, SETTINGS)

    response = client.post(CODE, {"code": f" {code_of()[:3]} {code_of()[3:]} "})

    assert response.url == SETTINGS
    assert is_in(client)


def test_a_code_works_only_once(device, client):
    give_password(client)
    client.post(CODE, {"code": code_of()})
    other = Client()
    give_password(other)

    response = other.post(CODE, {"code": code_of()})

    assert "Wrong code." in text_of(response)
    assert not is_in(other)


def test_after_a_wrong_code_no_code_is_accepted_for_a_while(device, client):
    give_password(client)

    assert "Wrong code." in text_of(client.post(CODE, {"code": wrong_code()}))
    response = client.post(CODE, {"code": code_of()})

    assert "Too many wrong codes. Try again in 1 s." in text_of(response)
    assert not is_in(client)
    may_try_again()
    assert client.post(CODE, {"code": code_of()}).status_code == 302


def test_wrong_codes_lock_the_login_like_wrong_passwords(device, settings):
    settings.AXES_FAILURE_LIMIT = 3
    client = Client()
    give_password(client)

    answers = []
    for _ in range(3):
        may_try_again()
        answers.append(client.post(CODE, {"code": wrong_code()}).status_code)

    assert answers == [400, 400, 429]
    may_try_again()
    assert client.post(CODE, {"code": code_of()}).status_code == 429
    assert give_password(Client()).status_code == 429


def test_a_right_password_does_not_reset_the_count_of_wrong_codes(device, settings):
    settings.AXES_FAILURE_LIMIT = 2
    client = Client()

    give_password(client)
    client.post(CODE, {"code": wrong_code()})
    may_try_again()
    give_password(client)

    assert client.post(CODE, {"code": wrong_code()}).status_code == 429


def test_the_log_names_a_wrong_code(device, client, caplog):
    give_password(client)

    client.post(CODE, {"code": wrong_code()})

    assert "failed login of 'ana' from 127.0.0.1: wrong code" in caplog.text


def test_nobody_reaches_the_page_for_codes_without_a_password(device, client):
    assert client.get(CODE).url == LOGIN
    assert client.post(CODE, {"code": code_of()}).url == LOGIN


def test_a_login_waits_ten_minutes_for_its_code(device, client, monkeypatch):
    give_password(client)
    later = time.time() + 601
    monkeypatch.setattr("supervisor.account.login.time.time", lambda: later)

    response = client.get(CODE, follow=True)

    assert "not completed in time" in text_of(response)


def test_a_password_that_was_changed_meanwhile_ends_the_wait(ana, device, client):
    give_password(client)
    ana.set_password("battery staple 9")
    ana.save()

    assert client.post(CODE, {"code": code_of()}).url == LOGIN


def test_the_admin_asks_for_the_code_as_well(ana, device, client):
    User.objects.update(is_staff=True, is_superuser=True)
    start = client.get("/admin/", follow=True)
    assert start.redirect_chain[-1][0] == f"{LOGIN}?next=/admin/"

    give_password(client, "/admin/")
    assert client.get("/admin/").status_code == 302
    response = client.post(CODE, {"code": code_of()}, follow=True)

    assert response.redirect_chain == [("/admin/", 302)]
    assert response.status_code == 200


# --- Recovery ---------------------------------------------------------------------------------
def test_a_recovery_code_works_once_and_the_page_says_how_many_are_left(ana, device, client):
    codes = renew_recovery_codes(ana)
    give_password(client)

    response = client.post(CODE, {"code": codes[3].upper()}, follow=True)

    assert is_in(client)
    assert "You have 9 recovery codes left." in text_of(response) or response.status_code == 403
    other = Client()
    give_password(other)
    assert "Wrong code." in text_of(other.post(CODE, {"code": codes[3]}))


def test_new_recovery_codes_replace_the_old_ones_and_need_the_password(ana, device, client):
    old = renew_recovery_codes(ana)
    give_password(client)
    client.post(CODE, {"code": code_of()})

    assert "Wrong password." in text_of(client.post(CODES, {"password": "guess"}))
    new = codes_on(client.post(CODES, {"password": PASSWORD}))

    assert len(new) == StaticToken.objects.count() == 10
    assert not {*old} & {*new}


def test_the_codes_can_be_downloaded(ana, device, client):
    give_password(client)
    client.post(CODE, {"code": code_of()})

    page = client.post(CODES, {"password": PASSWORD})

    link = re.search(r'href="(data:text/plain[^"]+)"', page.content.decode()).group(1)
    assert all(code in link for code in codes_on(page))
    assert page.headers["Cache-Control"].startswith("max-age=0, no-cache, no-store")


def test_the_factor_is_turned_off_with_the_password_only(ana, device, client):
    give_password(client)
    client.post(CODE, {"code": code_of()})

    assert client.post(OFF, {"password": "guess"}).status_code == 400
    assert TOTPDevice.objects.exists()
    response = client.post(OFF, {"password": PASSWORD}, follow=True)

    assert "Second factor turned off." in text_of(response)
    assert not TOTPDevice.objects.exists()
    assert not StaticToken.objects.exists()
    assert give_password(Client()).url != CODE


def test_an_administrator_removes_a_lost_factor_and_ends_the_logins(ana, device, admin_client):
    client = Client()
    give_password(client)
    client.post(CODE, {"code": code_of()})

    chosen = {"action": "remove_factor", "_selected_action": [ana.pk]}
    response = admin_client.post("/admin/auth/user/", chosen, follow=True)

    assert "Second factor of ana removed" in text_of(response)
    assert not is_in(client)
    assert give_password(client).url != CODE


def test_only_superusers_remove_the_factor_of_a_superuser(ana, device, visitor):
    boss = ana
    User.objects.filter(pk=boss.pk).update(is_superuser=True)
    User.objects.filter(pk=boss.pk).update(username="boss")
    helper = visitor("view_user", "change_user")
    User.objects.filter(username="ana").update(is_staff=True)

    chosen = {"action": "remove_factor", "_selected_action": [boss.pk]}
    response = helper.post("/admin/auth/user/", chosen, follow=True)

    assert "Only superusers" in text_of(response)
    assert TOTPDevice.objects.exists()


def test_the_admin_shows_who_has_a_factor_and_never_its_key(device, admin_client):
    page = admin_client.get(f"/admin/auth/user/{device.user_id}/change/")

    assert "Second factor: On" in text_of(page)
    assert KEY not in page.content.decode()
    assert admin_client.get("/admin/otp_totp/totpdevice/").status_code == 404


# --- What the site demands --------------------------------------------------------------------
def test_a_required_factor_is_set_up_before_the_login_is_complete(ana, client, settings):
    settings.SECOND_FACTOR = "all"

    assert give_password(client, SETTINGS).url == SET_UP_AT_LOGIN
    assert not is_in(client)
    done = client.post(SET_UP_AT_LOGIN, {"code": code_of(key_on(client.get(SET_UP_AT_LOGIN)))})

    assert len(codes_on(done)) == 10
    assert f'href="{SETTINGS}"' in done.content.decode()
    assert is_in(client)


@pytest.mark.parametrize(("is_staff", "url"), [(True, SET_UP_AT_LOGIN), (False, "/supervisor/")])
def test_a_site_may_require_a_factor_of_staff_only(ana, client, settings, is_staff, url):
    settings.SECOND_FACTOR = "staff"
    User.objects.update(is_staff=is_staff)

    assert give_password(client).url == url


def test_a_user_with_a_factor_cannot_set_up_another_with_the_password(device, client, settings):
    settings.SECOND_FACTOR = "all"
    give_password(client)

    assert client.get(SET_UP_AT_LOGIN).url == LOGIN


def test_a_login_from_before_the_requirement_is_sent_to_the_set_up(ana, client, settings):
    ana.user_permissions.set([])
    give_password(client)
    assert is_in(client)

    settings.SECOND_FACTOR = "all"
    settings.API_AUTH = "key"

    assert client.get("/v1/call").status_code in (401, 403)
    response = client.get(SETTINGS)
    assert response.url == SET_UP_AT_LOGIN
    client.post(SET_UP_AT_LOGIN, {"code": code_of(key_on(client.get(SET_UP_AT_LOGIN)))})
    assert is_in(client)


def test_a_required_factor_cannot_be_turned_off(ana, device, client, settings):
    settings.SECOND_FACTOR = "all"
    give_password(client)
    client.post(CODE, {"code": code_of()})

    response = client.post(OFF, {"password": PASSWORD}, follow=True)

    assert "This site requires a second factor for your account." in text_of(response)
    assert TOTPDevice.objects.exists()
