"""What live transcripts cost the database: nothing without subscribers, and little with them."""

import asyncio

import pytest
from channels.db import database_sync_to_async
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calls.tests.analysis.live.utterances import utter
from calls.tests.factories import live_call
from supervisor.live.reader import PORTION, LiveReader

pytestmark = pytest.mark.django_db(transaction=True)
in_thread = database_sync_to_async


@pytest.fixture
async def call():
    return await in_thread(live_call)("call-1")


class FeedThread:
    """Stands in for the feed's thread: counts the functions and the queries it runs."""

    def __init__(self):
        self.queries = []

    async def __call__(self, function, *args):
        return await in_thread(self._run)(function, *args)

    def _run(self, function, *args):
        with CaptureQueriesContext(connection) as found:
            result = function(*args)
        self.queries += [(function.__name__, query["sql"]) for query in found]
        return result

    def take(self):
        found, self.queries = self.queries, []
        return [name for name, _ in found if name != "write"]


async def test_no_query_runs_unless_somebody_subscribes(call):
    thread = FeedThread()
    reader = LiveReader(thread)
    running = asyncio.create_task(reader.run())

    await reader.subscribe("client", {})
    await asyncio.sleep(0)

    assert thread.queries == []
    assert not reader._wanted.is_set()
    running.cancel()


async def test_no_query_runs_after_the_last_client_has_left(call):
    thread = FeedThread()
    reader = LiveReader(thread)
    await reader.subscribe("client", {"call-1": 0})
    await reader.read()

    await reader.forget("client")
    reader.viewings._at = float("-inf")
    await reader.read()
    thread.take()
    await reader.read()

    assert thread.queries == []
    assert not reader._wanted.is_set()


async def test_many_clients_cost_the_database_no_more_than_one(call):
    calls = [call, *[await in_thread(live_call)() for _ in range(3)]]
    for each in calls:
        await in_thread(utter)(each)
    thread = FeedThread()
    reader = LiveReader(thread)

    for number in range(20):
        await reader.subscribe(f"client-{number}", {each.call_id: 0 for each in calls})
    await reader.read()
    first = thread.take()
    await reader.read()

    assert first == ["read_standings", "write_news", "write_news"]
    assert thread.take() == ["read_standings"]


async def test_many_snapshots_are_written_in_portions_so_that_events_pass_between_them(call):
    calls = [call, *[await in_thread(live_call)() for _ in range(PORTION)]]
    thread = FeedThread()
    reader = LiveReader(thread)

    await reader.subscribe("client", {each.call_id: 0 for each in calls})
    await reader.read()

    assert thread.take() == ["read_standings", *["write_news"] * 4]
    await reader.read()
    assert thread.take() == ["read_standings"]
