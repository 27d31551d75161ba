"""In these tests every live call is transcribed, whatever the settings of this checkout say."""

import pytest


@pytest.fixture(autouse=True)
def _every_call_is_heard(settings):
    settings.LIVE_TRANSCRIPTION = "all"
