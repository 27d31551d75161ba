"""Decoding a call again in the format that its sender should have declared."""

import base64
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from calls import services
from calls.analysis.media.textcall import TextCall
from calls.analysis.recording.material import load_material, load_materials
from calls.analysis.redecoding import PacketsRemoved, decode_call
from calls.ingest.carriers.opening import open_stream
from calls.ingest.packets import IncomingPacket
from calls.ingest.record import record_packets
from calls.lifecycle import CallState
from calls.models import Call, CallEvent, PrunedRange, Stream

pytestmark = pytest.mark.django_db
UNKNOWN = 'audio/x-unknown;codec="gargle"'
L16 = "audio/l16;rate=16000"


def tone():
    at = np.arange(16_000) / 16_000
    return (9000 * np.sin(2 * np.pi * 440 * at)).astype("<i2")


def call_over(state=CallState.ARCHIVED, media=UNKNOWN, call_id="c-1"):
    """A call whose samples were declared as ``media`` by its carrier."""
    open_stream(call_id=call_id, name="s", media=media, description={})
    record_packets(
        [
            IncomingPacket(
                call_id=call_id,
                stream="s",
                sequence=number + 1,
                track="customer",
                timestamp=number / 10,
                data=base64.b64encode(piece.tobytes()).decode(),
                media=media,
            )
            for number, piece in enumerate(np.split(tone(), 10))
        ]
    )
    services.end_call(call_id=call_id)
    Call.objects.filter(call_id=call_id).update(state=state)
    return Call.objects.get(call_id=call_id)


@pytest.mark.parametrize("media", [UNKNOWN, "audio/x-mulaw;rate=8000", "audio/x-alaw"])
@pytest.mark.parametrize("state", [CallState.ARCHIVED, CallState.FAILED])
def test_audio_stored_as_received_is_decoded_correctly_later(media, state):
    call = call_over(state, media)
    before = load_material(call).channels
    assert not (before and np.array_equal(before[0].samples, tone()))

    call = decode_call(call_id="c-1", media=L16, by="ann")

    audio = load_material(call)
    assert (call.state, call.first_stage) == (CallState.COMPLETED, "transcribe")
    assert np.array_equal(audio.channels[0].samples, tone())
    assert f"A person corrected the format: decoded as {L16}." in audio.notes
    assert Stream.objects.get().media == media
    event = CallEvent.objects.get(type="format_corrected")
    assert event.data == {"media": L16, "by": "ann"}


def test_an_empty_format_goes_back_to_what_the_sender_declared():
    call_over(media="audio/x-mulaw;rate=8000")
    decode_call(call_id="c-1", media=L16)
    Call.objects.update(state=CallState.ARCHIVED)

    call = decode_call(call_id="c-1", media="")

    assert load_material(call).channels[0].rate == 8000
    assert not any("corrected" in note for note in load_material(call).notes)


@pytest.mark.parametrize(
    "state", [CallState.IN_PROGRESS, CallState.COMPLETED, CallState.PROCESSING_AI]
)
def test_a_call_that_is_not_over_is_not_decoded_again(state):
    call_over(state)

    with pytest.raises(
        services.NotPossible, match=r"^A call that is .* cannot be decoded again\.$"
    ):
        decode_call(call_id="c-1", media=L16)

    assert Call.objects.get().media_override == ""


def test_a_call_whose_packets_are_gone_says_so():
    call_over()
    PrunedRange.objects.create(stream=Stream.objects.get(), first_sequence=1, last_sequence=2)

    with pytest.raises(PacketsRemoved, match="The packets of this call have been removed"):
        decode_call(call_id="c-1", media=L16)


def test_a_format_that_cannot_be_decoded_is_refused():
    call_over()

    with pytest.raises(ValueError, match="media"):
        decode_call(call_id="c-1", media="audio/opus")


def test_audio_that_was_declared_as_text_becomes_audio_and_waits_for_a_slot():
    call_over(media="text/plain")
    assert isinstance(load_material(Call.objects.get()), TextCall)

    call = decode_call(call_id="c-1", media=L16)

    assert np.array_equal(load_materials([call])[0].channels[0].samples, tone())
    assert Call.objects.spoken().filter(pk=call.pk).exists()


def test_the_call_page_asks_for_the_format_and_says_what_was_chosen(boss):
    call_over()
    page = boss.get(reverse("supervisor:call", args=["c-1"])).content.decode()
    assert "Decode again as…" in page
    assert f'<option value="{L16}">' in page

    response = boss.post(reverse("supervisor:decode", args=["c-1"]), {"media": L16}, follow=True)

    page = response.content.decode()
    assert "The call is being decoded and analysed again." in page
    assert "Format corrected" in page
    assert f"<dd>{L16}</dd>" in page


def test_the_page_refuses_a_format_that_cannot_be_decoded(boss):
    call_over()

    response = boss.post(reverse("supervisor:decode", args=["c-1"]), {"media": "opus"})

    assert response.status_code == 400


def test_the_page_does_not_offer_decoding_where_it_is_impossible(boss):
    call = call_over()
    call.packets_pruned_at = timezone.now()
    call.save(update_fields=["packets_pruned_at"])

    page = boss.get(reverse("supervisor:call", args=["c-1"])).content.decode()

    assert "Decode again as…" not in page


@pytest.mark.parametrize(
    ("media", "status"), [(L16, 200), ("", 200), ("audio/opus", 400), (7, 400)]
)
def test_the_api_decodes_a_call_again(client, settings, media, status):
    settings.API_AUTH = "open"
    call_over()

    response = client.post("/v1/call/c-1/decode", {"media": media}, content_type="application/json")

    assert response.status_code == status
    if status == 200:
        assert response.json()["status"] == "decoding_initiated"
        assert client.get("/v1/call/c-1").json()["media_override"] == media


def test_a_command_decodes_many_calls_again():
    for number in range(3):
        call_over(call_id=f"c-{number}")
    out = StringIO()

    call_command("decode", media=L16, stdout=out)

    assert "3 calls changed" in out.getvalue()
    assert set(Call.objects.values_list("media_override", flat=True)) == {L16}


def test_the_command_refuses_a_format_that_cannot_be_decoded():
    with pytest.raises(CommandError, match="media"):
        call_command("decode", media="audio/opus")
