"""Whether a worker has a process that transcribes live calls."""

from calls.worker.cluster import Worker


def test_a_site_that_hears_no_live_calls_has_no_process_for_that(settings):
    settings.LIVE_TRANSCRIPTION = "off"
    worker = Worker.__new__(Worker)

    worker._keep_listening()

    assert worker._listener is None
