"""A key that is revoked in one process is refused in all, and its open streams end."""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.request
from http.client import HTTPResponse

import pytest

from benchmarks.rig.services import Service
from benchmarks.rig.waiting import wait_until

pytestmark = pytest.mark.processes
REFRESH_S, MARGIN_S = 2.0, 2.0


def ask(address: str, plain: str) -> HTTPResponse:
    headers = {"Authorization": f"Bearer {plain}"}
    return urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=20)


def status(address: str, plain: str) -> int:
    try:
        with ask(f"{address}/v1/call", plain) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_revoked_key_is_refused_by_every_process_and_its_streams_end(tmp_path):
    with Service(tmp_path, API_AUTH="key", API_KEY_REFRESH=f"{REFRESH_S:g}") as service:
        addresses = [service.web() for _ in range(2)]
        shown = service.run("create_api_key", "PBX", "--scope", "read").stdout
        plain = re.search(r"cc_[0-9a-f]{8}_[\w-]{43}", shown).group()
        for address in addresses:
            wait_until(lambda at=address: status(at, plain) == 200, what="the key")
        streams = [ask(f"{address}/v1/events/stream", plain) for address in addresses]
        wait_until(lambda: "never" not in service.run("list_api_keys").stdout, what="its use")

        service.run("revoke_api_key", plain[:11])
        revoked_at = time.monotonic()
        for address in addresses:
            wait_until(lambda at=address: status(at, plain) == 401, what="the refusal")
        ends = [stream.read().decode() for stream in streams]

        assert time.monotonic() - revoked_at < REFRESH_S + MARGIN_S
        assert all('"code":4401' in end for end in ends)
