"""The whole site below a path, behind nginx: every link, file, redirect and socket."""

import json
import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from benchmarks.rig.nginx import nginx
from benchmarks.rig.services import Service
from benchmarks.rig.sockets import connect
from benchmarks.rig.waiting import wait_until
from callcenter.path_prefix import read_prefix
from calls.tests.programs import installed

PREFIX = "/calls-here"
NO_PAGES = ("logout", "export", ".csv", "recording", "/delete", "/jsi18n")
LINKS = ("href", "src", "action", "data-socket", "data-worklet", "data-login", "data-url")
MOST_PAGES = 60


class Links(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.page, self.found, self.pages = page, set(), set()

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in LINKS and value and not value.startswith(("#", "data:", "mailto:", "blob:")):
                address = urljoin(self.page, value)
                self.found.add(address)
                if tag == "a":
                    self.pages.add(address.partition("#")[0].partition("?")[0])


@pytest.mark.parametrize(
    ("text", "prefix"), [("calls", "/calls"), ("/a/b/", "/a/b"), ("/", ""), ("", "")]
)
def test_a_prefix_is_read_with_or_without_slashes(text, prefix):
    assert read_prefix(text) == prefix


@pytest.mark.parametrize("text", ["https://x/calls", "a b", "a//b", "a?b", "{x}"])
def test_an_invalid_prefix_is_refused(text):
    with pytest.raises(ValueError, match="PATH_PREFIX"):
        read_prefix(text)


@pytest.fixture(scope="module")
def direct(tmp_path_factory):
    """The address of a web process, with one account."""
    folder = tmp_path_factory.mktemp("prefix")
    settings = {"PATH_PREFIX": PREFIX, "TRUSTED_PROXIES": "127.0.0.1"}
    with Service(folder, **settings, DJANGO_SUPERUSER_PASSWORD="long-enough-1") as service:
        service.run("createsuperuser", "--noinput", "--username=ann", "--email=ann@example.com")
        yield service.web()


@pytest.fixture(scope="module")
def root(direct, tmp_path_factory):
    """The address of nginx in front of it, without the prefix."""
    port = int(direct.rpartition(":")[2])
    folder = tmp_path_factory.mktemp("nginx")
    with nginx(installed("nginx"), folder, [port], prefix=PREFIX) as address:
        yield address


@pytest.fixture(scope="module")
def ann(root):
    """A client that has sent a packet and has logged in."""
    with httpx.Client(base_url=root, timeout=30) as client:
        packet = {"sequence": 1, "data": "Hello.", "timestamp": 0}
        assert client.post(f"{PREFIX}/v1/call/stream/c-1", json=packet).status_code == 202
        login = client.get(f"{PREFIX}/supervisor/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', login.text)[1]
        form = {"username": "ann", "password": "long-enough-1", "csrfmiddlewaretoken": token}
        answer = client.post(f"{PREFIX}/supervisor/login/", data=form)
        assert answer.headers["location"].startswith(f"{PREFIX}/")
        yield client


pytestmark = pytest.mark.processes


def test_no_link_of_any_page_leaves_the_prefix(root, ann):
    waiting, seen, outside = [f"{root}{PREFIX}/", f"{root}{PREFIX}/docs"], set(), []
    while waiting and len(seen) < MOST_PAGES:
        address = waiting.pop(0)
        if address in seen:
            continue
        seen.add(address)
        answer = ann.get(address, follow_redirects=True)
        assert answer.status_code == 200, address
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        links = Links(str(answer.url))
        links.feed(answer.text)
        own = {link for link in links.found if link.startswith(f"{root}/")}
        outside += [(address, link) for link in own if not _is_inside(link)]
        waiting += [page for page in sorted(links.pages & own) if not _is_no_page(page)]

    assert outside == []
    assert len(seen) > 30


def _is_inside(link):
    return f"{urlsplit(link).path}/".startswith(f"{PREFIX}/")


def _is_no_page(link):
    return any(part in link for part in NO_PAGES)


def test_cookies_stay_below_the_prefix(ann):
    assert {cookie.path for cookie in ann.cookies.jar} == {f"{PREFIX}/"}


def test_files_are_found(root, ann):
    page = ann.get(f"{PREFIX}/supervisor/")
    links = Links(f"{root}{PREFIX}/supervisor/")
    links.feed(page.text)
    files = [link for link in links.found if "/static/" in link]

    assert len(files) > 5
    assert {ann.get(file).status_code for file in files} == {200}


def test_errors_of_the_api_are_json_and_name_the_documentation(ann):
    answer = ann.get(f"{PREFIX}/v1/nothing")

    assert answer.status_code == 404
    assert answer.json()["detail"].endswith(f"{PREFIX}/docs.")


def test_the_schema_has_the_addresses_of_this_site(ann):
    paths = ann.get(f"{PREFIX}/schema?format=json").json()["paths"]

    assert f"{PREFIX}/v1/alerts" in paths
    assert all(path.startswith(f"{PREFIX}/v1/") for path in paths)


def test_the_feed_follows_as_a_socket_and_as_a_stream(root, ann):
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in ann.cookies.jar)
    address = f"{root.replace('http', 'ws')}{PREFIX}/stream/ws/supervisor"

    with connect(address, additional_headers={"Cookie": cookies}) as socket:
        assert json.loads(socket.recv(timeout=10))
    with ann.stream("GET", f"{PREFIX}/v1/events/stream") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")


def test_every_socket_accepts_packets_below_the_prefix(root, ann):
    sockets = f"{root.replace('http', 'ws')}{PREFIX}/v1"

    with connect(f"{sockets}/call/stream/c-2") as socket:
        socket.send(json.dumps({"sequence": 1, "data": "Hello.", "timestamp": 0}))
        frames = [json.loads(socket.recv(timeout=10)) for _ in range(2)]
    with connect(f"{sockets}/media/c-3?rate=8000&encoding=audio/x-mulaw") as socket:
        socket.send(bytes(1600))

    assert [frame["type"] for frame in frames] == ["ready", "ack"]
    wait_until(lambda: _packets(ann, "c-3"), what="the packets of the carrier")


def _packets(client, call_id):
    answer = client.get(f"{PREFIX}/v1/call/{call_id}")
    return answer.status_code == 200 and answer.json()["packet_count"]


def test_a_slash_in_an_id_survives_the_proxy(root, ann):
    address = f"{PREFIX}/v1/call/stream/a%2Fb"
    httpx.post(f"{root}{address}", json={"sequence": 1, "data": "Hello.", "timestamp": 0})

    assert ann.get(f"{PREFIX}/v1/call/a%2Fb").json()["external_id"] == "a/b"


def test_the_path_without_a_slash_leads_into_the_site(root, ann):
    answer = ann.get(PREFIX)

    assert (answer.status_code, answer.headers["location"]) == (301, f"{root}{PREFIX}/")
    assert str(ann.get(PREFIX, follow_redirects=True).url) == f"{root}{PREFIX}/supervisor/"


def test_a_login_returns_to_the_requested_page(root):
    answer = httpx.get(f"{root}{PREFIX}/supervisor/alerts/")

    assert answer.headers["location"] == (
        f"{PREFIX}/supervisor/login/?next={PREFIX}/supervisor/alerts/"
    )


def test_the_docs_load_the_schema_of_this_site(ann):
    script = ann.get(f"{PREFIX}/docs?script=").text.replace(r"\u002D", "-")

    assert f'url: "{PREFIX}/schema"' in script


@pytest.mark.parametrize("page", ["metrics", "healthz", "readyz"])
def test_figures_for_monitoring_stay_closed_to_other_machines(root, page):
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(transport=elsewhere) as client:
        refused = client.get(f"{root}{PREFIX}/{page}")

    assert refused.status_code == 403
    assert httpx.get(f"{root}{PREFIX}/{page}").status_code != 403


def test_a_proxy_may_remove_the_prefix(direct):
    with httpx.Client(base_url=direct, timeout=30) as client:
        answer = client.get("/supervisor/login/")
        health = [client.get(f"{path}/healthz").status_code for path in ("", PREFIX)]

    assert answer.status_code == 200
    assert health == [200, 200]
