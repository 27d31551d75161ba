"""Reads the scripts aloud with an installed speech synthesiser, as telephone audio."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.speech.text_scripts import TextScript
from calls.analysis.media.g711 import MULAW
from calls.analysis.media.resampling import resample
from calls.conversation import SPEAKERS, CallAudio, Channel, Turn

RATE = 8000
PAUSE_S = 0.4
NOISE = 20  # of 32,767: a line is never quite silent
_QUIET = 0.25  # of the telephone's range, for the loudest sample
# Voices of flite and espeak-ng, agent first.
VOICES = {"flite": ("rms", "slt"), "espeak-ng": ("en-gb", "en-us+f3")}


@dataclass(frozen=True, slots=True)
class SpokenScript:
    """``turns`` are the script's turns with the times when they are spoken."""

    audio: CallAudio
    turns: tuple[Turn, ...]


def synthesisers() -> list[str]:
    return [name for name in VOICES if shutil.which(name)]


def speak(script: TextScript, synthesiser: str) -> SpokenScript:
    """Speak a script turn by turn, with each speaker on a separate mu-law channel."""
    at = RATE // 2
    placed: list[tuple[Turn, int, NDArray[np.int16]]] = []
    for turn in script.turns:
        voice = VOICES[synthesiser][SPEAKERS.index(turn.speaker)]
        samples = _say(synthesiser, voice, turn.text)
        placed.append((turn, at, samples))
        at += len(samples) + round(PAUSE_S * RATE)
    channels = tuple(
        Channel(who, _line([each for each in placed if each[0].speaker == who], at), RATE)
        for who in SPEAKERS
    )
    turns = tuple(
        Turn(turn.speaker, begin * 1000 // RATE, (begin + len(samples)) * 1000 // RATE, turn.text)
        for turn, begin, samples in placed
    )
    return SpokenScript(CallAudio(channels), turns)


def _say(synthesiser: str, voice: str, text: str) -> NDArray[np.int16]:
    if synthesiser == "flite":
        command = ["flite", "-voice", voice, "-t", text, "-o", "/dev/stdout"]
    else:
        command = ["espeak-ng", "-v", voice, "--stdout", text]
    done = subprocess.run(command, check=True, capture_output=True)
    with wave.open(io.BytesIO(done.stdout)) as wav:
        rate = wav.getframerate()
        # Both write the header before they know the length of the file.
        samples = np.frombuffer(wav.readframes(len(done.stdout)), "<i2")
    return _trimmed(resample(samples.astype(np.int16), rate, RATE))


def _trimmed(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > np.abs(samples).max() // 50)
    return samples[loud[0] : loud[-1] + 1] if len(loud) else samples


def _line(placed: list[tuple[Turn, int, NDArray[np.int16]]], length: int) -> NDArray[np.int16]:
    line = np.random.default_rng(1).normal(0, NOISE, length)
    for _, begin, samples in placed:
        peak = max(1, int(np.abs(samples.astype(np.int32)).max()))
        line[begin : begin + len(samples)] += samples * (_QUIET * 32767 / peak)
    return _through_mulaw(line)


def _through_mulaw(line: NDArray[np.float64]) -> NDArray[np.int16]:
    """Round each sample to the nearest of the 256 values of mu-law."""
    values = np.sort(MULAW)
    between = (values[1:].astype(np.int32) + values[:-1]) / 2
    return np.asarray(values[np.searchsorted(between, line)], np.int16)
