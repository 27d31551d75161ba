"""Parts of a carrier's messages that cannot be read are reported on pages and in the API."""

import pytest

from calls.ingest.carriers.opening import MAX_REMARKS, open_stream
from calls.ingest.record import record_packets
from calls.models import Call
from calls.tests.factories import packet
from supervisor.tests.factories import page_of, text_of

pytestmark = pytest.mark.django_db
REMARK = "The sender named a format that is not known: “gargle”. Its audio is stored as received."


def open_call(*remarks, name="s"):
    open_stream(call_id="c-1", name=name, media="audio/l16", description={}, remarks=remarks)
    return Call.objects.get(call_id="c-1")


def test_the_page_of_a_live_call_says_what_could_not_be_read(supervisor):
    assert REMARK in text_of(page_of(supervisor, open_call(REMARK)))


def test_the_wallboard_also_shows_the_remark(supervisor):
    open_call(REMARK)

    assert REMARK in text_of(supervisor.get("/supervisor/"))


def test_the_api_also_returns_the_remark(client, settings):
    settings.API_AUTH = "open"
    open_call(REMARK)

    assert client.get("/v1/call/c-1").json()["remarks"] == [REMARK]


def test_a_second_stream_adds_its_remarks_once():
    open_call(REMARK)

    call = open_call(REMARK, "Another remark.", name="t")

    assert call.remarks == [REMARK, "Another remark."]


def test_the_remarks_of_a_call_are_limited():
    for number in range(3 * MAX_REMARKS):
        call = open_call(f"Remark {number}.", name=str(number))

    assert len(call.remarks) == MAX_REMARKS


# --- Packets that cannot be decoded, while the call is live ----------------------------------
def send(*data, media="audio/x-mulaw;rate=8000"):
    record_packets(
        [packet("c-1", number, each, media=media) for number, each in enumerate(data, 1)]
    )
    return Call.objects.get(call_id="c-1")


def test_packets_that_cannot_be_decoded_are_counted_while_the_call_is_live(supervisor, settings):
    settings.API_AUTH = "open"
    call = send("f39/f3", "***", "not base64", "f39/f39/")

    remark = "2 of the last 4 packets cannot be decoded: audio must be base64."
    assert remark in text_of(page_of(supervisor, call))
    assert supervisor.get("/v1/call/c-1").json()["remarks"] == [remark]


@pytest.mark.parametrize(
    ("data", "media"),
    [("Hello, how are you?", "text/plain"), ("Hello, how are you?", ""), ("f39/f3", "audio/l16")],
)
def test_text_and_valid_audio_cause_no_remark(supervisor, data, media):
    call = send(data, data, media=media)

    assert "cannot be decoded" not in text_of(page_of(supervisor, call))
