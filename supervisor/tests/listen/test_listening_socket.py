"""The socket of a listener: who may open it, and what it sends."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import Permission, User

from calls import services
from calls.keys import create_key
from calls.models import Call, CallEvent, ListenSession
from calls.tests.factories import live_call
from supervisor.listen import reader as reading
from supervisor.listen.sound import CallSound
from supervisor.tests.listen.sounds import Ear, say, sounding_call

pytestmark = pytest.mark.django_db(transaction=True)
in_thread = database_sync_to_async


@pytest.fixture(autouse=True)
def _simple_ingest(settings):
    settings.GROUP_COMMIT = False


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    """Let a listener hear what was stored before, however long it takes to open the socket."""
    monkeypatch.setattr(reading, "START", timedelta(minutes=1))


@pytest.fixture
async def open_ear():
    """Open sockets, and close them at the end."""
    ears = []

    async def make(call_id, user=None, headers=()):
        ears.append(Ear(call_id, user, headers))
        await ears[-1].open()
        return ears[-1]

    yield make
    for ear in ears:
        # Raised if a test has timed out. It would skip the end of all other fixtures.
        with suppress(asyncio.CancelledError):
            await ear.disconnect(timeout=10)


def _user(*codenames, name="anna"):
    user = User.objects.create_user(name)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


@pytest.fixture
def listener(db):
    return _user("view_call", "listen_call")


async def test_both_sides_are_heard_agent_left_and_customer_right(open_ear, listener):
    call = await in_thread(sounding_call)()
    ear = await open_ear(call.call_id, listener)

    sound = await ear.hear(1600)

    assert set(sound[:, 0].tolist()) == {1000}
    assert set(sound[:, 1].tolist()) == {2000}
    version, channels, age_ms, rate, number, _ = ear.frames[0][0]
    assert (version, channels, rate, number) == (1, 2, 8000, 1)
    assert age_ms < 5000


async def test_new_audio_follows_without_a_gap(open_ear, listener):
    call = await in_thread(sounding_call)()
    ear = await open_ear(call.call_id, listener)
    await ear.hear(1600)

    for at in range(1, 4):
        await in_thread(say)(call.call_id, 1 + 20 * at)
        await ear.hear(1600 * (at + 1))

    assert [header[4] for header, _ in ear.frames] == list(range(1, len(ear.frames) + 1))
    sound = await ear.hear(6400)
    assert len(sound) == 6400
    assert sound.all()


async def test_a_missing_packet_is_silence_of_its_length(open_ear, listener):
    call = await in_thread(sounding_call)()
    ear = await open_ear(call.call_id, listener)
    await ear.hear(1600)

    await in_thread(say)(call.call_id, 21, without={31})
    sound = await ear.hear(3200)

    assert len(sound) == 3200
    assert (sound[:, 0] == 0).sum() == 160
    assert (sound[:, 1] == 0).sum() == 0


async def test_swapped_speakers_change_sides(open_ear, listener):
    call = await in_thread(sounding_call)()
    await in_thread(lambda: Call.objects.update(speakers_swapped=True))()
    ear = await open_ear(call.call_id, listener)

    sound = await ear.hear(1600)

    assert set(sound[:, 0].tolist()) == {2000}


async def test_a_stream_that_opens_later_is_also_played(open_ear, listener):
    call = await in_thread(sounding_call)()
    ear = await open_ear(call.call_id, listener)
    await ear.hear(1600)

    await in_thread(say)(call.call_id, 1, 10, agent=50, customer=60, stream="second")
    sound = await ear.hear(3000)

    assert 50 in sound[1600:, 0].tolist()


async def test_two_listeners_share_one_decoding(open_ear, listener, monkeypatch):
    made = []
    take = CallSound.take

    def count(self, *args, **options):
        frame = take(self, *args, **options)
        made.extend([frame] if frame else [])
        return frame

    monkeypatch.setattr(CallSound, "take", count)
    call = await in_thread(sounding_call)()
    first, second = [await open_ear(call.call_id, listener) for _ in range(2)]

    await first.hear(1600)
    await second.hear(1600)

    assert len(made) == 1
    assert first.frames[0][0] == second.frames[0][0]


async def test_the_end_of_the_call_closes_the_socket(open_ear, listener):
    call = await in_thread(sounding_call)()
    ear = await open_ear(call.call_id, listener)
    await ear.hear(1600)

    await in_thread(services.end_call)(call_id=call.call_id)

    assert await ear.closed() == (4410, "The call has ended.")


async def test_listeners_are_recorded_and_logged(listener):
    call = await in_thread(sounding_call)()
    ear = Ear(call.call_id, listener)
    await ear.open()
    await ear.hear(1600)
    await ear.disconnect(timeout=10)

    session = await in_thread(ListenSession.objects.get)()
    types = await in_thread(lambda: list(CallEvent.objects.values_list("type", flat=True)))()
    assert (session.username, session.call_id) == ("anna", call.pk)
    assert session.ended_at is not None
    assert types[-2:] == ["listening_started", "listening_ended"]


async def test_a_session_that_was_ended_elsewhere_closes_its_socket(
    open_ear, listener, monkeypatch
):
    monkeypatch.setattr(reading, "RENEW_S", 0.1)
    call = await in_thread(sounding_call)()
    ear = await open_ear(call.call_id, listener)
    await ear.hear(1600)

    await in_thread(lambda: ListenSession.objects.update(ended_at=call.opened_at))()

    assert (await ear.closed())[0] == 1013


async def test_a_ping_is_answered(open_ear, listener):
    call = await in_thread(sounding_call)()
    ear = await open_ear(call.call_id, listener)
    await ear.hear(1600)

    await ear.send_to(text_data='{"type":"ping"}')

    assert await ear.receive_from(timeout=10) == '{"type":"pong"}'


async def test_nothing_is_read_once_nobody_listens(listener):
    call = await in_thread(sounding_call)()
    ear = Ear(call.call_id, listener)
    await ear.open()
    await ear.hear(1600)

    await ear.disconnect(timeout=10)

    assert reading.reader()._task is None
    assert reading.reader()._calls == {}


async def test_a_user_without_the_permission_is_refused(open_ear):
    user = await in_thread(_user)("view_call", name="vic")
    call = await in_thread(sounding_call)()

    ear = await open_ear(call.call_id, user)

    assert await ear.closed() == (4403, "You may not listen to live calls.")
    assert not await in_thread(ListenSession.objects.exists)()


async def test_listening_needs_a_login_even_with_an_open_api(open_ear, settings):
    settings.API_AUTH = "open"
    call = await in_thread(sounding_call)()

    ear = await open_ear(call.call_id)

    assert await ear.closed() == (4401, "You are not logged in.")


async def test_an_api_key_cannot_listen(open_ear, listener):
    _, plain = await in_thread(create_key)(name="program", scopes=["read", "supervise"])
    call = await in_thread(sounding_call)()

    ear = await open_ear(
        call.call_id, listener, headers=[(b"authorization", f"Bearer {plain}".encode())]
    )

    assert await ear.closed() == (4403, "Only people can listen, not API keys.")


async def test_a_site_can_forbid_listening(open_ear, listener, settings):
    settings.LISTEN_IN = False
    call = await in_thread(sounding_call)()

    ear = await open_ear(call.call_id, listener)

    assert await ear.closed() == (4403, "Listening is switched off on this site.")


async def test_an_unknown_call_is_refused(open_ear, listener):
    ear = await open_ear("nobody", listener)

    assert await ear.closed() == (4404, "There is no such call.")


async def test_a_text_call_is_refused(open_ear, listener):
    call = await in_thread(live_call)()

    ear = await open_ear(call.call_id, listener)

    assert await ear.closed() == (4415, "This call has no sound.")


async def test_an_ended_call_is_refused(open_ear, listener):
    call = await in_thread(sounding_call)()
    await in_thread(services.end_call)(call_id=call.call_id)

    ear = await open_ear(call.call_id, listener)

    assert await ear.closed() == (4410, "The call has ended.")
