"""A look at a file, before anything of it is used: what its sound is, how long, and is it whole."""

from dataclasses import dataclass
from pathlib import Path

import av

from malgwi.audio.container import Source, opened
from malgwi.audio.decode import decoded
from malgwi.audio.defects import Defects
from malgwi.audio.promises import RELIABLE, mp3_has_length, ogg_is_whole, wav_seconds
from malgwi.errors import BadAudio
from malgwi.types import Notice


@dataclass(frozen=True, slots=True)
class Track:
    """What a look at a file says about its sound."""

    path: Path
    channels: int
    duration: float | None
    """Seconds, as the header says or, where it says nothing, as the size lets one guess."""
    promised: float | None
    """Seconds that a header promises for certain; None where none does."""
    whole: bool
    """False where the file lacks its end mark; True where it has it, or its kind has none."""
    notices: tuple[Notice, ...] = ()


def look_at(path: Path, most_channels: int) -> Track:
    """Read the header and decode the first of the sound. Raises BadAudio."""
    defects = Defects(str(path))
    with opened(path) as source:
        _check_channels(path, source.stream.codec_context.layout.nb_channels, most_channels)
        first = next(decoded(source, defects), None)
        if first is None:
            raise _silent(path, defects)
        channels = first.samples.shape[0]
        _check_channels(path, channels, most_channels)
        whole = source.container.format.name != "ogg" or ogg_is_whole(source.file)
        notices = _left_out(path, len(source.container.streams.audio))
        return Track(path, channels, _duration(source), _promised(source), whole, notices)


def _promised(source: Source) -> float | None:
    names = set(source.container.format.name.split(","))
    if names & {"wav", "w64"}:
        return wav_seconds(source.file)
    if names == {"mp3"}:
        return _duration(source) if mp3_has_length(source.file) else None
    if source.stream.duration is None and source.is_film:
        return None  # what is known is the film's length; its sound may be shorter
    return _duration(source) if names & RELIABLE else None


def _duration(source: Source) -> float | None:
    ticks, base = source.stream.duration, source.stream.time_base
    if ticks is not None and base:
        return float(ticks * base.numerator / base.denominator)
    length = source.container.duration
    return None if length is None else length / av.time_base


def _left_out(path: Path, tracks: int) -> tuple[Notice, ...]:
    if tracks == 1:
        return ()
    message = f"{path} has {tracks} sound tracks. The main one is used, the others are not."
    return (Notice("audio-tracks", message),)


def _check_channels(path: Path, channels: int, most: int) -> None:
    if channels > most:
        raise BadAudio(
            f"{path} has {channels} channels, and a recording has {most} at most. Split it into "
            "several files."
        )


def _silent(path: Path, defects: Defects) -> BadAudio:
    if defects.damaged.times or defects.unreadable:
        return BadAudio(
            f"Nothing of {path} could be decoded: it is damaged, protected against copying, or "
            "not sound. Export it again as WAV or FLAC."
        )
    return BadAudio(f"{path} holds no sound, only a header. Record or export it again.")
