"""What a carrier says that cannot be read is on the wallboard, on the call page and in the API."""

import pytest

from calls.ingest.carriers.opening import MAX_REMARKS, open_stream
from calls.models import Call
from supervisor.tests.factories import page_of, text_of

pytestmark = pytest.mark.django_db
REMARK = "The sender named a format that is not known: “gargle”. Its audio is kept as it came."


def open_call(*remarks, name="s"):
    open_stream(call_id="c-1", name=name, media="audio/l16", description={}, remarks=remarks)
    return Call.objects.get(call_id="c-1")


def test_the_page_of_a_live_call_says_what_could_not_be_read(supervisor):
    assert REMARK in text_of(page_of(supervisor, open_call(REMARK)))


def test_the_wallboard_says_so_too(supervisor):
    open_call(REMARK)

    assert REMARK in text_of(supervisor.get("/supervisor/"))


def test_the_api_says_so_too(client, settings):
    settings.API_AUTH = "open"
    open_call(REMARK)

    assert client.get("/v1/call/c-1").json()["remarks"] == [REMARK]


def test_a_second_stream_adds_its_remarks_once():
    open_call(REMARK)

    call = open_call(REMARK, "Another remark.", name="t")

    assert call.remarks == [REMARK, "Another remark."]


def test_a_call_with_many_streams_does_not_collect_remarks_without_end():
    for number in range(3 * MAX_REMARKS):
        call = open_call(f"Remark {number}.", name=str(number))

    assert len(call.remarks) == MAX_REMARKS
