"""What a browser does to sign on: visit the provider and return, or send a password."""

from __future__ import annotations

import html
import re

import httpx

from supervisor.tests.factories import text_of
from supervisor.tests.sign_on.openldap import PASSWORD

LOGIN = "/supervisor/login/"
START = f"{LOGIN}sign-on/"
CALLBACK = f"{START}callback/"
LOGOUT = "/supervisor/logout/"
BOARD = "/supervisor/"
ACCOUNT = "/supervisor/account/"
SETTINGS = f"{ACCOUNT}settings/"


def go_to_provider(client, target=""):
    """Return the address to which the provider sends the browser back."""
    away = client.get(START, {"next": target} if target else {})
    assert away.status_code == 302, text_of(away)
    back = httpx.get(away.url)
    assert back.status_code == 302
    return back.headers["Location"]


def sign_on(client, target=""):
    return client.get(go_to_provider(client, target))


def log_in(client, name="ana", password=PASSWORD, target=""):
    """Log in with a password, by default that of everybody in the directory."""
    return client.post(LOGIN, {"username": name, "password": password, "next": target})


def is_in(client):
    return client.get(SETTINGS).status_code == 200


def log_out(client):
    """Log out. Return the answer, and where its page leads."""
    page = client.post(LOGOUT)
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page.content.decode())
    return page, html.unescape(found[1]) if found else ""
