"""Recordings over HTTP: whole files, ranges and errors, off the event loop."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient
from django.urls import reverse

from calls.api.ranges import BLOCK_SIZE, ThreadedResponse
from calls.tests.audio import archived_audio, body

pytestmark = pytest.mark.django_db
URL = "/v1/call/spoken/recording"
RAW = f"{URL}?redacted=false"


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        ("bytes=0-43", slice(0, 44)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-100", slice(-100, None)),
        ("bytes=44-999999999", slice(44, None)),
        ("bytes=-999999999", slice(0, None)),
        ("BYTES=7-7", slice(7, 8)),
    ],
)
def test_a_range_request_returns_that_part(api, wanted, part):
    archived_audio()
    whole = body(api.get(URL))

    response = api.get(URL, headers={"Range": wanted})

    first, last, _ = part.indices(len(whole))
    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {first}-{last - 1}/{len(whole)}"
    assert response["Content-Length"] == str(last - first)
    assert body(response) == whole[part]


@pytest.mark.parametrize(
    "wanted",
    ["", "bytes=", "bytes=-", "bytes=9-1", "bytes=0-1,5-9", "lines=1-2", "bytes=a-b",
     "bytes=٣-٤", f"bytes=0-{'9' * 5000}"],
)  # fmt: skip
def test_an_invalid_range_is_ignored(api, wanted):
    archived_audio()

    response = api.get(URL, headers={"Range": wanted})

    assert response.status_code == 200
    assert response["Accept-Ranges"] == "bytes"
    assert len(body(response)) == int(response["Content-Length"])


@pytest.mark.parametrize("wanted", ["bytes=999999999-", "bytes=999999999-9999999999", "bytes=-0"])
def test_a_range_after_the_end_is_416_with_the_size(api, wanted):
    size = archived_audio().recording.redacted_size

    response = api.get(URL, headers={"Range": wanted})

    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{size}"


def test_if_range_with_another_etag_gets_the_whole_file(api):
    archived_audio()
    first = api.get(URL)
    body(first)

    same = api.get(URL, headers={"Range": "bytes=0-9", "If-Range": first["ETag"]})
    other = api.get(URL, headers={"Range": "bytes=0-9", "If-Range": '"another"'})

    assert (same.status_code, other.status_code) == (206, 200)
    assert (len(body(same)), len(body(other))) == (10, int(first["Content-Length"]))


def test_an_unchanged_copy_is_not_sent_again(api):
    archived_audio()
    first = api.get(URL)
    body(first)

    again = api.get(URL, headers={"If-None-Match": first["ETag"]})
    raw = api.get(RAW, headers={"If-None-Match": first["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert raw.status_code == 200
    body(raw)


def test_head_returns_the_size_and_no_body(api):
    archived_audio()

    response = api.head(URL)

    assert int(response["Content-Length"]) > BLOCK_SIZE
    assert body(response) == b""


@pytest.mark.parametrize("accept", ["audio/wav", "audio/*;q=0.9", "*/*", "text/html"])
def test_a_player_may_ask_for_audio_only(api, accept):
    archived_audio()

    response = api.get(URL, headers={"Accept": accept})

    assert response["Content-Type"] == "audio/wav"
    body(response)


def test_a_browser_asks_again_before_it_plays_its_own_copy(api):
    archived_audio()

    response = api.get(URL)

    assert response["Cache-Control"] == "private, no-cache"
    assert response["Content-Disposition"] == 'inline; filename="spoken.wav"'
    body(response)


def test_a_stored_file_that_was_cut_short_is_made_again_from_the_packets(api, settings):
    call = archived_audio()
    whole = body(api.get(RAW))
    stored = settings.MEDIA_ROOT / str(call.recording.file)
    stored.write_bytes(stored.read_bytes()[:1000])

    response = api.get(RAW)

    assert response.status_code == 200
    assert len(body(response)) == int(response["Content-Length"]) == len(whole)


@pytest.mark.parametrize("wanted", ["perhaps", "0", "False"])
def test_redacted_is_true_or_false(api, wanted):
    archived_audio()

    assert api.get(f"{URL}?redacted={wanted}").status_code == 400


@pytest.mark.django_db(transaction=True)
async def test_under_asgi_the_file_is_sent_in_blocks_without_blocking_the_loop(settings):
    settings.API_AUTH = "open"
    await sync_to_async(archived_audio)()

    response = await AsyncClient().get(reverse("recording", args=["spoken"]))
    blocks = [block async for block in response]
    await sync_to_async(response.close)()

    assert len(b"".join(blocks)) == int(response["Content-Length"])
    assert max(map(len, blocks)) == BLOCK_SIZE


async def test_a_stream_does_not_read_ahead_of_its_client():
    read = []

    def parts():
        for number in range(10):
            read.append(number)
            yield b"x"

    stream = aiter(ThreadedResponse(parts()))
    await anext(stream)
    await asyncio.sleep(0)

    assert read == [0]
    await stream.aclose()
