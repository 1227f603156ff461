"""A four-channel recording to try the platform on, made from one reading.

Ten seconds of four people would be another recording with another licence; one public-domain
text, dealt over four channels and read back on another one as radio operators do, shows the
same: channels that take turns, talk at once, and repeat each other. Integers all the way,
so that every machine makes the same bytes.
"""

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

NAME = "four-channels.wav"
READING = "two_cities.wav"
RATE = 16_000
_CHANNELS = 4
_THIRD = 3  # the reading has 48 kHz
_TAPS = 97

_PHRASES = {  # seconds in the reading
    "times": (1.1, 4.7),
    "age": (4.7, 8.5),
    "epoch": (8.5, 13.1),
    "season": (13.1, 17.1),
    "hope": (17.1, 20.85),
    "everything": (20.85, 24.3),
    "heaven": (24.3, 28.7),
    "period": (28.7, 42.0),
}
_TURNS = (  # channel, second in the sample, phrase
    (0, 0.5, "times"),
    (1, 3.6, "age"),
    (2, 7.4, "epoch"),
    (3, 11.4, "period"),
    (0, 13.0, "season"),
    (1, 17.5, "hope"),
    (2, 21.8, "everything"),
    (0, 26.0, "heaven"),
    (1, 31.0, "times"),
    (2, 34.4, "age"),
    (3, 38.6, "epoch"),
    (0, 43.0, "period"),
    (1, 45.5, "season"),
    (2, 50.0, "hope"),
    (3, 54.2, "everything"),
    (2, 58.0, "heaven"),
)
_LONG = 63  # seconds


def make_sample(folder: Path) -> None:
    """Write NAME beside READING: four channels, 16 kHz, 16 bits."""
    reading = _third_of_the_rate(_samples(folder / READING))
    sound = np.zeros((_LONG * RATE, _CHANNELS), np.int16)
    for channel, at, phrase in _TURNS:
        begin, end = (round(second * RATE) for second in _PHRASES[phrase])
        first = round(at * RATE)
        sound[first : first + end - begin, channel] = 2 * reading[begin:end]  # it peaks at -16 dB
    with wave.open(str(folder / NAME), "wb") as out:
        out.setnchannels(_CHANNELS)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(sound.astype("<i2").tobytes())


def _samples(path: Path) -> NDArray[np.int64]:
    with wave.open(str(path), "rb") as reading:
        return np.frombuffer(reading.readframes(reading.getnframes()), "<i2").astype(np.int64)


def _third_of_the_rate(samples: NDArray[np.int64]) -> NDArray[np.int64]:
    """48 kHz to 16 kHz: a windowed sinc in 15-bit integers, then every third sample."""
    place = np.arange(_TAPS) - _TAPS // 2
    ideal = np.sinc(place / _THIRD * 0.9) * np.hamming(_TAPS)
    taps = np.rint(ideal / ideal.sum() * 2**15).astype(np.int64)
    padded = np.pad(samples, _TAPS // 2)
    count = len(samples) // _THIRD
    total = np.zeros(count, np.int64)
    for first, tap in enumerate(taps):
        total += tap * padded[first : first + count * _THIRD : _THIRD]
    return total >> 15
