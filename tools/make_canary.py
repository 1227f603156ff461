"""Make src/malgwi/stt/canary.wav: the words of the canary in a synthetic voice.

Anybody may make it again, in an environment that is thrown away afterwards:

    python3 -m venv v && v/bin/pip install hibari-tts==0.2.1
    PYTHONPATH=src v/bin/python tools/make_canary.py

hibari-tts is Apache-2.0, and so is its voice, which is in the wheel. Its noise has a seed, so that
the clip comes out the same but for what ONNX Runtime rounds elsewhere in another way.
"""

import wave
from pathlib import Path

import numpy as np
from hibari import Hibari
from numpy.typing import NDArray

from malgwi.stt.canary import CANARY_TEXT

OUT = Path(__file__).parents[1] / "src" / "malgwi" / "stt" / "canary.wav"
RATE = 16_000
TAPS = 97
PEAK = 0.5
FAINT = 0.01  # of the peak; what is fainter at the ends is cut off
MARGIN = RATE // 10  # samples of quiet that stay there


def main() -> None:
    sound = two_thirds_of_the_rate(np.asarray(Hibari()(CANARY_TEXT, seed=0), np.float64))
    sound *= PEAK / np.abs(sound).max()
    loud = np.flatnonzero(np.abs(sound) > FAINT * PEAK)
    sound = sound[max(0, loud[0] - MARGIN) : loud[-1] + MARGIN]
    with wave.open(str(OUT), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.round(sound * 32767).astype("<i2").tobytes())


def two_thirds_of_the_rate(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 24 kHz to 16 kHz: twice as many samples, a low pass at 8 kHz, every third of them."""
    places = np.arange(TAPS) - TAPS // 2
    low_pass = np.sinc(places / 3) * np.hamming(TAPS)
    twice = np.zeros(len(sound) * 2)
    twice[::2] = sound
    return np.convolve(twice, 2 * low_pass / low_pass.sum(), "same")[::3]


if __name__ == "__main__":
    main()
