"""Audio that arrives bit by bit gives the same utterances as the finished call."""

import numpy as np
import pytest

from calls.analysis.live.audio.endpointing import FRAME, Endpointer
from calls.analysis.media.g711 import MULAW
from calls.analysis.providers.voice import RATE, _floats, utterances
from calls.conversation import Channel
from calls.simulation.scripts import DEMO_CALLS


class Script:
    """Judges frames by a script: the seconds from which speech and silence last."""

    def __init__(self, *spans):
        self._spans = spans
        self._at = 0

    def judge(self, samples):
        frames = len(samples) // FRAME
        seconds = [(self._at + n) * FRAME / RATE for n in range(frames)]
        self._at += frames
        return [1.0 if any(b <= at < e for b, e in self._spans) else 0.0 for at in seconds]


def found(endpointer, seconds, piece_s=0.1):
    samples = np.ones(round(seconds * RATE), np.float32)
    pieces = np.array_split(samples, round(seconds / piece_s))
    ended = [each for piece in pieces for each in endpointer.feed(piece)]
    return [*ended, *endpointer.finish()]


def spans(utterances_):
    return [(round(each.begin / RATE, 1), round(each.end / RATE, 1)) for each in utterances_]


def test_an_utterance_ends_after_a_pause_and_has_a_margin():
    endpointer = Endpointer(max_speech_s=15, detector=Script((1, 3), (3.3, 4), (6, 7)))

    assert spans(found(endpointer, 9)) == [(0.8, 4.2), (5.8, 7.2)]


def test_long_speech_is_cut_at_its_last_short_pause():
    endpointer = Endpointer(max_speech_s=5, detector=Script((0, 3), (3.3, 9)))

    first, *rest = spans(found(endpointer, 10))

    assert first[0] == 0.0
    assert 3.0 <= first[1] <= 3.3
    assert rest[-1][1] == pytest.approx(9.2, abs=0.1)


def test_speech_in_progress_at_the_end_is_found():
    endpointer = Endpointer(max_speech_s=15, detector=Script((1, 99)))

    assert spans(found(endpointer, 4)) == [(0.8, 4.0)]


@pytest.mark.speech
@pytest.mark.parametrize("name", ["billing-dispute", "lost-card"])
def test_recorded_calls_have_the_same_utterances_live_as_afterwards(name):
    data = (DEMO_CALLS / f"{name}.wav").read_bytes()
    body = np.frombuffer(data[data.index(b"data") + 8 :], np.uint8)
    stereo = MULAW[body[: len(body) // 2 * 2]].reshape(-1, 2)
    for side in (0, 1):
        samples = np.ascontiguousarray(stereo[:, side])
        whole = [(u.begin_ms, u.end_ms) for u in utterances(Channel("agent", samples, 8000))]
        endpointer = Endpointer(max_speech_s=26)
        heard = _floats(samples, 8000)

        live = [
            each
            for at in range(0, len(heard), 3200)
            for each in endpointer.feed(heard[at : at + 3200])
        ]
        live += endpointer.finish()

        assert [(round(e.begin / 16), round(e.end / 16)) for e in live] == whole
