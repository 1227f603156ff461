"""From what was asked for to a recording: the files, their offsets, the channels' names.

PyAV is loaded only when a recording is opened, so that importing the room costs nothing.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path

from malgwi.audio.base import Recording
from malgwi.errors import BadAudio, BadOption
from malgwi.types import SAMPLE_RATE

MOST_CHANNELS = 64
LARGEST_OFFSET = 24 * 3600.0  # seconds; beyond it somebody has mistaken the unit


def open_recording(
    paths: Sequence[Path],
    *,
    labels: Sequence[str] = (),
    offsets: Sequence[float] = (),
    block_seconds: float = 10.0,
) -> Recording:
    """Open one file, or several on one clock; each channel of each file becomes a channel.

    `offsets` says of each file by how many seconds it begins later than the recording; without
    them all begin together. Without `labels` the channels of a single file are ch01, ch02, ..;
    those of several have the files' names.
    Raises BadAudio for a file that cannot be used, BadOption for the rest.
    """
    if not paths:
        raise BadOption("No sound file was named. Name at least one.")
    starts = _starts(paths, offsets)
    block = _block_samples(block_seconds)

    from malgwi.audio.recording import FileRecording
    from malgwi.audio.track import look_at

    tracks = [look_at(path, MOST_CHANNELS) for path in paths]
    counts = [track.channels for track in tracks]
    if sum(counts) > MOST_CHANNELS:
        raise BadAudio(
            f"The {len(paths)} files have {sum(counts)} channels together, and a recording has "
            f"{MOST_CHANNELS} at most. Give fewer files at a time."
        )
    return FileRecording(tracks, starts, _labels(paths, counts, labels), block)


def _starts(paths: Sequence[Path], offsets: Sequence[float]) -> Sequence[float]:
    """By how many seconds each file starts late."""
    if not offsets:
        return [0.0] * len(paths)
    if len(offsets) != len(paths):
        raise BadOption(
            f"{len(paths)} files have {len(offsets)} offsets. Give each one, or none at all."
        )
    for path, seconds in zip(paths, offsets, strict=True):
        if not 0 <= seconds <= LARGEST_OFFSET:
            raise BadOption(
                f"The offset of {path} is {seconds:g}. It is in seconds, from 0 to "
                f"{LARGEST_OFFSET:g}; the file that begins first has 0."
            )
    return offsets


def _block_samples(seconds: float) -> int:
    if not (math.isfinite(seconds) and 1 <= seconds * SAMPLE_RATE <= LARGEST_OFFSET * SAMPLE_RATE):
        raise BadOption(f"A block of {seconds:g} seconds makes no sense. Ten are usual.")
    return round(seconds * SAMPLE_RATE)


def _labels(paths: Sequence[Path], counts: Sequence[int], given: Sequence[str]) -> tuple[str, ...]:
    if not given:
        return _own_labels(paths, counts)
    if len(given) != sum(counts):
        raise BadOption(
            f"There are {sum(counts)} channels and {len(given)} labels. Give one label a channel."
        )
    if len(set(given)) < len(given) or not all(label.strip() for label in given):
        raise BadOption("Two channels have the same label, or one has none. Make each its own.")
    return tuple(given)


def _own_labels(paths: Sequence[Path], counts: Sequence[int]) -> tuple[str, ...]:
    if len(paths) == 1:
        return tuple(f"ch{number:02}" for number in range(1, counts[0] + 1))
    return _told_apart(
        path.stem if channels == 1 else f"{path.stem}-{number}"
        for path, channels in zip(paths, counts, strict=True)
        for number in range(1, channels + 1)
    )


def _told_apart(labels: Iterable[str]) -> tuple[str, ...]:
    """The labels, those that repeat an earlier one with ~2, ~3, .. behind."""
    taken: dict[str, None] = {}
    for label in labels:
        candidates = (f"{label}~{number}" if number > 1 else label for number in count(1))
        taken[next(name for name in candidates if name not in taken)] = None
    return tuple(taken)
