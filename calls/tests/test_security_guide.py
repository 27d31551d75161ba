"""docs/security.md: each of its commands does what it says, in the production profile."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from benchmarks.rig.services import Service

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
COMMANDS = [
    line
    for block in BLOCK.findall((ROOT / "docs" / "security.md").read_text())
    for line in block.splitlines()
]
pytestmark = pytest.mark.processes

# A word of each command, and what its output has.
EXPECTED = {
    "openssl": r"^[\w+/=]{64}$",
    "check --deploy": r"no issues",
    "/healthz": r"(?s)^HTTP/1.1 200 OK.*permissions-policy: .*cross-origin-resource-policy: ",
    "axes_list_attempts": r"^$",
    "axes_reset_username": r"No attempts found",
    "create_api_key": r"cc_",
    "5000000 /dev/zero | curl -s --data": r'^{"detail": "The body is larger than the limit of ',
    "chunked": r'^{"detail": "The body is larger than the limit of ',
}


@pytest.fixture(scope="module")
def production(tmp_path_factory):
    settings = {
        "PROFILE": "production",
        "SECRET_KEY": "".join(f"{number:x}" for number in range(60)),
        "ALLOWED_HOSTS": "calls.example.com,127.0.0.1",
        "TRUSTED_PROXIES": "127.0.0.1",
        "DJANGO_SUPERUSER_PASSWORD": "long-enough-1",
    }
    with Service(tmp_path_factory.mktemp("production"), **settings) as service:
        service.run("collectstatic", "--noinput")
        yield service, service.web()


def test_every_command_is_expected():
    assert len(COMMANDS) == len(EXPECTED)
    assert all(any(word in command for word in EXPECTED) for command in COMMANDS)


@pytest.mark.parametrize("word", EXPECTED)
def test_a_command_of_the_guide_works(production, word):
    service, address = production
    [command] = [command for command in COMMANDS if word in command]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    ended = subprocess.run(
        ["bash", "-ceuo", "pipefail", command.replace("http://127.0.0.1:8000", address)],
        cwd=ROOT,
        env={**service.environment, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert re.search(EXPECTED[word], ended.stdout), ended
    # curl may find the connection closed while it still sends the body.
    assert ended.returncode == 0 or "/dev/zero" in command


# What every answer has that a browser may show. The pages load no inline code without a nonce.
HEADERS = {
    "content-security-policy": r"^(?!.*unsafe)(?=.*default-src 'none').*frame-ancestors 'none'",
    "strict-transport-security": r"^max-age=31536000$",
    "x-frame-options": r"^DENY$",
    "x-content-type-options": r"^nosniff$",
    "referrer-policy": r"^same-origin$",
    "cross-origin-opener-policy": r"^same-origin$",
    "cross-origin-resource-policy": r"^same-origin$",
    "permissions-policy": r"camera=\(\).*microphone=\(\)",
}


def over_https(production, path, **request):
    """Ask as a proxy that terminates TLS does."""
    headers = {"X-Forwarded-Proto": "https", "Host": "calls.example.com", "Accept": "text/html",
               "Referer": "https://calls.example.com/", **request.pop("headers", {})}  # fmt: skip
    method = "POST" if "data" in request else "GET"
    return httpx.request(method, f"{production[1]}{path}", headers=headers, **request)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/supervisor/login/", 200),
        ("/admin/login/", 302),
        ("/docs", 200),
        ("/v1/call", 401),
        ("/supervisor/", 302),
        ("/nowhere", 404),
        ("/v1/nowhere", 404),
        ("/healthz", 200),
    ],
)
def test_every_answer_has_the_headers_that_protect_browsers(production, path, status):
    answer = over_https(production, path)

    assert answer.status_code == status
    missing = {
        name: answer.headers.get(name)
        for name, wanted in HEADERS.items()
        if not re.search(wanted, answer.headers.get(name, ""))
    }
    assert missing == {}


def test_an_answer_to_an_unknown_host_has_them_too(production):
    answer = over_https(production, "/supervisor/", headers={"Host": "evil.example"})

    assert answer.status_code == 400
    assert all(re.search(wanted, answer.headers[name]) for name, wanted in HEADERS.items())


def test_cookies_are_for_https_and_this_site_only_and_hidden_from_scripts(production):
    service, _ = production
    service.run("createsuperuser", "--noinput", "--username=ann", "--email=ann@example.com")
    page = over_https(production, "/supervisor/login/")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
    form = {"username": "ann", "password": "long-enough-1", "csrfmiddlewaretoken": token}
    (sent,) = page.headers.get_list("set-cookie")

    answer = over_https(
        production, "/supervisor/login/", data=form, headers={"Cookie": sent.partition(";")[0]}
    )

    assert answer.status_code == 302
    cookies = [sent, *answer.headers.get_list("set-cookie")]
    assert {cookie.partition("=")[0] for cookie in cookies} >= {"csrftoken", "sessionid"}
    for cookie in cookies:
        assert {"Secure", "SameSite=Lax", "Path=/"} <= set(cookie.split("; ")), cookie
        assert "HttpOnly" in cookie or cookie.startswith("csrftoken="), cookie
