"""Whether a worker has a process that transcribes live calls."""

from calls.worker.cluster import Worker


def test_without_live_transcription_there_is_no_listener_process(settings):
    settings.LIVE_TRANSCRIPTION = "off"
    worker = Worker.__new__(Worker)

    worker._keep_listening()

    assert worker._listener is None
