"""Live transcripts in the feed: first what a client lacks, then each change once."""

from datetime import timedelta

import pytest
from channels.db import database_sync_to_async
from django.utils import timezone

from calls import services
from calls.models import Call, LiveTranscription, LiveUtterance
from calls.tests.analysis.live.utterances import next_revision, show, utter
from calls.tests.factories import live_call
from supervisor.live.feed import feed
from supervisor.tests.live.test_event_stream import Listener
from supervisor.tests.live.test_feed import Watcher, next_close

pytestmark = pytest.mark.django_db(transaction=True)
in_thread = database_sync_to_async


@pytest.fixture(autouse=True)
def _open(settings):
    settings.API_AUTH = "open"
    settings.GROUP_COMMIT = False
    settings.ALLOWED_HOSTS = ["testserver"]


@pytest.fixture
async def call():
    return await in_thread(live_call)("call-1")


@pytest.fixture
async def watch():
    """Return a function that connects a client and subscribes it to calls."""
    clients = []

    async def start(*call_ids, **fields):
        client = Watcher()
        clients.append(client)
        await client.hello()
        if call_ids:
            await subscribe(client, *call_ids, **fields)
        return client

    yield start
    for client in clients:
        await client.disconnect()


async def subscribe(client, *call_ids, **fields):
    await client.send_json_to({"type": "subscribe", "call_ids": list(call_ids), **fields})


async def heard(client):
    return await client.next("live_transcript")


def texts(message):
    return [each["text"] for each in message["utterances"]]


def span(message):
    return message["after"], message["revision"]


async def test_a_new_subscriber_gets_all_words_so_far(watch, call):
    await in_thread(utter)(call, "Hello.")
    await in_thread(utter)(call, "I am Ann.", shown="I am [NAME].")

    client = await watch("call-1")

    subscribed = await client.next("subscribed")
    message = await heard(client)
    assert (subscribed["call_ids"], subscribed["unknown"]) == (["call-1"], [])
    assert (message["call_id"], span(message)) == ("call-1", (0, 2))
    assert texts(message) == ["Hello.", "I am [NAME]."]


async def test_a_message_has_everything_that_the_page_shows(watch, call):
    figures = {"talk": {"agent": {"total_ms": 5}}}
    progress = {"heard_until_ms": 9, "behind_s": 0.5, "skipped": [[1, 2]], "figures": figures}
    await in_thread(next_revision)(call, partial={"agent": "and"}, **progress)

    message = await heard(await watch("call-1"))

    assert {name: message[name] for name in progress} == progress
    assert message["partial"] == {"agent": "and"}
    assert set(message) == {
        *("type", "call_id", "revision", "after", "status", "utterances", "partial", "at"),
        *progress,
    }


async def test_every_change_follows_without_a_gap(watch, call):
    client = await watch("call-1")
    revision = (await heard(client))["revision"]
    spoken = []

    for text in ("One.", "Two.", "Three."):
        await in_thread(utter)(call, text)
    while len(spoken) < 3:
        message = await heard(client)
        assert message["after"] == revision
        revision = message["revision"]
        spoken += texts(message)

    assert spoken == ["One.", "Two.", "Three."]


async def test_held_back_words_are_sent_when_they_are_released(watch, call):
    said = await in_thread(utter)(call, "4 1 1 1", shown=None)
    client = await watch("call-1")
    (before,) = (await heard(client))["utterances"]

    await in_thread(show)(said, "[NUMBER]")

    (after,) = (await heard(client))["utterances"]
    assert (before["text"], before["held_back"]) == (None, True)
    assert (after["id"], after["text"], after["held_back"]) == (before["id"], "[NUMBER]", False)


async def test_a_client_that_reconnects_gets_only_what_it_missed(watch, call):
    for text in ("One.", "Two.", "Three."):
        await in_thread(utter)(call, text)

    message = await heard(await watch("call-1", after={"call-1": 2}))

    assert (span(message), texts(message)) == ((2, 3), ["Three."])


async def test_a_client_that_has_everything_is_told_so(watch, call):
    await in_thread(utter)(call)

    message = await heard(await watch("call-1", after={"call-1": 1}))

    assert (span(message), texts(message)) == ((1, 1), [])


async def test_a_client_that_is_ahead_gets_a_snapshot(watch, call):
    await in_thread(utter)(call, "One.")

    message = await heard(await watch("call-1", after={"call-1": 2**70}))

    assert (span(message), texts(message)) == ((0, 1), ["One."])


async def test_subscribing_again_starts_again(watch, call):
    await in_thread(utter)(call, "One.")
    client = await watch("call-1")
    await heard(client)

    await subscribe(client, "call-1")

    message = await heard(client)
    assert (span(message), texts(message)) == ((0, 1), ["One."])


async def test_two_clients_share_messages_and_a_late_one_catches_up(watch, call):
    await in_thread(utter)(call, "One.")
    early = await watch("call-1")
    await heard(early)
    late = await watch("call-1")

    assert texts(await heard(late)) == ["One."]
    await in_thread(utter)(call, "Two.")

    first, second = await heard(early), await heard(late)
    assert first == second
    assert (span(first), texts(first)) == ((1, 2), ["Two."])


async def test_a_client_gets_nothing_of_other_calls_or_after_unsubscribing(watch, call):
    other = await in_thread(live_call)("call-2")
    client = await watch("call-1", "call-2")
    assert {(await heard(client))["call_id"] for _ in range(2)} == {"call-1", "call-2"}
    unheard = await in_thread(live_call)("call-3")

    await client.send_json_to({"type": "unsubscribe", "call_ids": ["call-1", "unknown"]})
    await subscribe(client)  # its answer says that the request before it was read
    await client.next("subscribed")
    for each in (call, unheard, other):
        await in_thread(utter)(each)

    assert (await heard(client))["call_id"] == "call-2"


async def test_an_unknown_call_starts_when_it_appears(watch):
    client = await watch("call-9")
    assert (await client.next("subscribed"))["unknown"] == ["call-9"]

    call = await in_thread(live_call)("call-9")
    await in_thread(utter)(call)

    spoken = []
    while not spoken:
        spoken = texts(await heard(client))
    assert spoken == ["Hello."]


@pytest.mark.parametrize("setting", ["all", "watched", "off"])
async def test_the_status_says_whether_the_call_is_transcribed(watch, call, settings, setting):
    settings.LIVE_TRANSCRIPTION = setting
    client = await watch("call-1")
    before = (await heard(client))["status"]

    until = timezone.now() + timedelta(seconds=60)
    await in_thread(LiveTranscription.objects.create)(call=call, lease_expires_at=until)
    during = (await heard(client))["status"]
    await in_thread(LiveTranscription.objects.update)(lease_expires_at=timezone.now())
    after = (await heard(client))["status"]

    unheard = "off" if setting == "off" else "waiting"
    assert [before, during, after] == [unheard, "listening", unheard]


async def test_the_end_of_a_call_is_sent_and_words_may_still_follow(watch, call):
    client = await watch("call-1")
    await heard(client)

    await in_thread(services.end_call)(call_id="call-1")
    over = await heard(client)
    await in_thread(utter)(call, "Bye.")
    last = await heard(client)

    assert (over["status"], texts(over)) == ("over", [])
    assert (last["status"], texts(last)) == ("over", ["Bye."])


async def test_removed_words_are_not_taken_from_a_client(watch, call):
    await in_thread(utter)(call, "One.")
    client = await watch("call-1")
    await heard(client)

    await in_thread(LiveUtterance.objects.all().delete)()
    await in_thread(LiveTranscription.objects.all().delete)()
    await in_thread(services.end_call)(call_id="call-1")

    message = await heard(client)
    assert (message["status"], span(message)) == ("over", (1, 1))


async def test_the_end_of_a_deleted_call_is_sent(watch, call):
    client = await watch("call-1")
    await heard(client)

    await in_thread(call.delete)()

    assert (await heard(client))["status"] == "over"


async def test_swapped_speakers_are_sent_as_a_snapshot(watch, call):
    await in_thread(utter)(call, speaker="agent")
    client = await watch("call-1")
    await heard(client)

    await in_thread(Call.objects.update)(speakers_swapped=True)

    message = await heard(client)
    assert message["after"] == 0
    assert message["utterances"][0]["speaker"] == "customer"


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"subscribe"}',
        '{"type":"subscribe","call_ids":"call-1"}',
        '{"type":"subscribe","call_ids":[1]}',
        '{"type":"subscribe","call_ids":[""]}',
        '{"type":"subscribe","call_ids":["a\\u0000b"]}',
        '{"type":"subscribe","call_ids":["\\ud800"]}',
        '{"type":"subscribe","call_ids":["call-1"],"after":[]}',
        '{"type":"subscribe","call_ids":["call-1"],"after":{"call-1":true}}',
        '{"type":"subscribe","call_ids":["call-1"],"after":{"call-1":-1}}',
        '{"type":"subscribe","call_ids":["call-1"],"after":{"call-1":1.5}}',
        '{"type":"unsubscribe"}',
        '{"type":["subscribe"],"call_ids":[]}',
    ],
)
async def test_a_malformed_request_closes_the_socket(watch, text):
    client = await watch()

    await client.send_to(text_data=text)

    assert await next_close(client) == 4400


async def test_more_calls_than_allowed_close_the_socket_and_name_the_limit(watch):
    client = await watch(*(f"call-{number}" for number in range(50)))
    await client.next("subscribed")
    await subscribe(client, "call-0", "call-49")
    await client.next("subscribed")

    await subscribe(client, "call-50")

    closed = await client.receive_output(timeout=5)
    while closed["type"] != "websocket.close":
        closed = await client.receive_output(timeout=5)
    assert (closed["code"], closed["reason"]) == (4400, "call_ids: at most 50 calls")


async def test_a_client_that_leaves_is_forgotten(watch, call):
    client, other = await watch("call-1"), await watch("call-1")
    await heard(client)
    await heard(other)

    await client.disconnect()
    await in_thread(utter)(call, "One.")

    assert texts(await heard(other)) == ["One."]
    assert len(feed().live.subscriptions._clients) == 1


async def test_a_stream_of_events_carries_the_transcripts_it_watches(call):
    await in_thread(utter)(call, "One.")
    listener = Listener("watch=call-1,call-9,call-1")
    assert await listener.open() == 200

    identity, message = await listener.next("live_transcript")
    await in_thread(utter)(call, "Two.")
    _, second = await listener.next("live_transcript")

    assert identity is None
    assert (span(message), texts(message)) == ((0, 1), ["One."])
    assert (span(second), texts(second)) == ((1, 2), ["Two."])
    await listener.close()


@pytest.mark.parametrize("watch", [",", "a,", "a b", "%00", ",".join(map(str, range(51)))])
async def test_a_stream_refuses_calls_that_it_cannot_watch(watch):
    listener = Listener(f"watch={watch}".replace(" ", "%20"))

    assert await listener.open() == 400
    assert "at most 50 call ids" in await listener.body()
