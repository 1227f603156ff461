"""Voice activity by loudness: no model, no dependency, good enough for a quiet line."""

import numpy as np
from numpy.typing import NDArray

_WINDOW = 512
_SURE = 5.0  # dB over the floor, from where it is certainly speech
_NOTHING = 1e-12  # power; what digital silence is taken for, -120 dBFS


class EnergyDetector:
    """A VoiceDetector that takes whatever is louder than `floor_db` (dBFS) for speech."""

    window = _WINDOW

    def __init__(self, floor_db: float = -45.0) -> None:
        self._floor_db = floor_db
        self._kept: NDArray[np.float32] | None = None

    def probabilities(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        sound = samples if self._kept is None else np.concatenate([self._kept, samples], axis=1)
        whole = sound.shape[1] // _WINDOW
        self._kept = sound[:, whole * _WINDOW :].copy()
        windows = sound[:, : whole * _WINDOW].reshape(len(sound), whole, _WINDOW)
        power = np.mean(np.square(windows), axis=2, dtype=np.float64)
        over = 10 * np.log10(np.maximum(power, _NOTHING)) - self._floor_db
        return np.clip(0.5 + over / (2 * _SURE), 0.0, 1.0).astype(np.float32)
