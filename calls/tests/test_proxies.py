"""Behind proxies: who counts as the client, and what a client cannot forge."""

import asyncio

import pytest
from asgiref.testing import ApplicationCommunicator
from django.test import RequestFactory

from calls.proxies import TrustedProxies, client_address, read_networks

PROXIES = ["10.0.0.0/8", "192.0.2.7", "fd00::/8"]


def read(headers=(), *, peer="10.0.0.1", trusted=PROXIES, kind="http", host=b"inside"):
    """Return the scope that the application behind the proxies sees."""
    seen = {}

    async def app(scope, receive, send):
        seen.update(scope)

    scope = {
        "type": kind,
        "scheme": {"http": "http", "websocket": "ws"}[kind],
        "client": (peer, 50_000) if peer else None,
        "headers": [(b"host", host), *((n.encode(), v.encode()) for n, v in headers)],
    }
    asyncio.run(TrustedProxies(app, trusted=trusted)(scope, None, None))
    return seen


@pytest.mark.parametrize(
    ("hops", "client"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("203.0.113.5, 10.0.0.9", "203.0.113.5"),
        ("6.6.6.6, 203.0.113.5, 10.0.0.9", "203.0.113.5"),  # the first is made up
        ("10.0.0.3, 203.0.113.5", "203.0.113.5"),
        ("203.0.113.5:4711", "203.0.113.5"),
        ("[2001:db8::5]:4711", "2001:db8::5"),
        ("2001:db8::5, fd00::1", "2001:db8::5"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("10.0.0.9, 10.0.0.8", "10.0.0.9"),  # nobody but proxies
        ("unknown, 203.0.113.5", "203.0.113.5"),
        ("203.0.113.5, unknown", "10.0.0.1"),
        ("", "10.0.0.1"),
        ("\x00", "10.0.0.1"),
    ],
)
def test_the_client_is_the_rightmost_address_that_is_not_a_proxy(hops, client):
    assert client_address(read([("x-forwarded-for", hops)])) == client


def test_several_headers_are_one_list():
    headers = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "203.0.113.5")]

    assert client_address(read(headers)) == "203.0.113.5"


@pytest.mark.parametrize("trusted", [[], ["10.0.0.0/8"]])
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_untrusted_clients_cannot_forge_address_scheme_or_host(trusted, kind):
    told = [
        ("x-forwarded-for", "203.0.113.5"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil.example"),
    ]

    seen = read(told, peer="198.51.100.1", trusted=trusted, kind=kind)

    assert client_address(seen) == "198.51.100.1"
    assert seen["scheme"] in ("http", "ws")
    assert seen["headers"] == [(b"host", b"inside")]


@pytest.mark.parametrize(("kind", "scheme"), [("http", "https"), ("websocket", "wss")])
def test_scheme_and_host_of_a_trusted_proxy_count(kind, scheme):
    told = [("x-forwarded-proto", "https"), ("x-forwarded-host", "Calls.example.com")]

    seen = read(told, kind=kind)

    assert seen["scheme"] == scheme
    assert seen["headers"] == [(b"host", b"calls.example.com")]


def test_the_header_of_the_nearest_proxy_counts():
    told = [("x-forwarded-proto", "https, http"), ("x-forwarded-host", "a.example, b.example")]

    seen = read(told)

    assert seen["scheme"] == "http"
    assert seen["headers"] == [(b"host", b"b.example")]


@pytest.mark.parametrize("host", ["", "a b", "a/b", "a@b:80:80", "\x00"])
def test_an_invalid_host_is_ignored(host):
    assert read([("x-forwarded-host", host)])["headers"] == [(b"host", b"inside")]


def test_a_proxy_at_a_unix_socket_is_trusted_if_that_is_set():
    told = [("x-forwarded-for", "203.0.113.5")]

    assert client_address(read(told, peer=None, trusted=["unix"])) == "203.0.113.5"
    assert client_address(read(told, peer=None, trusted=["127.0.0.1"])) == ""


@pytest.mark.parametrize("item", ["proxy.example.com", "10.0.0.1/8", "300.1.1.1", "*"])
def test_an_invalid_trusted_proxy_is_refused_with_setting_and_value(item):
    with pytest.raises(ValueError, match="TRUSTED_PROXIES has"):
        read_networks(["127.0.0.1", item])


def test_the_address_of_a_request_is_that_of_its_scope():
    assert client_address(RequestFactory().get("/", REMOTE_ADDR="203.0.113.5")) == "203.0.113.5"


@pytest.fixture
def site(settings):
    """The whole application, behind one trusted proxy."""
    from callcenter.asgi import application, routes

    settings.API_AUTH = "key"
    assert isinstance(application, TrustedProxies)
    return TrustedProxies(routes, trusted=["10.0.0.0/8"])


@pytest.mark.django_db(transaction=True)
async def test_guessing_passwords_locks_out_the_guesser_and_not_the_proxy(site, settings):
    settings.AXES_FAILURE_LIMIT = 2

    guesses = [await log_in(site, client="6.6.6.6", pretends=f"7.7.7.{n}") for n in range(3)]
    other = await log_in(site, client="203.0.113.5")

    assert (guesses[0], guesses[-1]) == (200, 429)
    assert other == 200


async def log_in(app, *, client, pretends=""):
    """Try a wrong password through the proxy. Returns the status."""
    hops = ", ".join(filter(None, [pretends, client]))
    cookie = "c" * 32
    body = f"username=ann&password=wrong&csrfmiddlewaretoken={cookie}".encode()
    headers = {
        "host": "localhost",
        "x-forwarded-for": hops,
        "cookie": f"csrftoken={cookie}",
        "content-type": "application/x-www-form-urlencoded",
        "content-length": str(len(body)),
    }
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/supervisor/login/",
        "raw_path": b"/supervisor/login/",
        "query_string": b"",
        "scheme": "http",
        "client": ("10.0.0.1", 1),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    talk = ApplicationCommunicator(app, scope)
    await talk.send_input({"type": "http.request", "body": body})
    return (await talk.receive_output(timeout=10))["status"]
