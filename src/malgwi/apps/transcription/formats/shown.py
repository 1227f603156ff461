"""What the formats for people show: which utterances, under whose name, at what time."""

from collections.abc import Iterator
from pathlib import PurePath
from typing import NamedTuple

from malgwi.types import Transcript, Utterance


class Line(NamedTuple):
    """An utterance and the name that stands before it."""

    who: str
    """The speaker where one is known, else the label of the channel."""
    utterance: Utterance


def shown(transcript: Transcript) -> Iterator[Line]:
    """What was said, in order: nothing suppressed, nothing twice, nothing empty."""
    labels = channel_labels(transcript)
    for each in transcript.utterances:
        if each.counts and each.text.strip():
            yield Line(each.speaker or labels[each.channel], each)


def channel_labels(transcript: Transcript) -> dict[int, str]:
    return {channel.index: channel.label for channel in transcript.channels}


def several_voices(transcript: Transcript) -> bool:
    """Whether a line has to say whose it is."""
    speakers = {line.who for line in shown(transcript)}
    return len(transcript.channels) > 1 or len(speakers) > 1


def left_out(transcript: Transcript) -> str:
    """What `shown` keeps back, as in "3 suppressed, 1 duplicate"; empty where it is nothing."""
    suppressed = sum(each.suppressed is not None for each in transcript.utterances)
    hidden = sum(not each.counts for each in transcript.utterances)
    duplicates = hidden - suppressed
    parts = [f"{suppressed} suppressed"] if suppressed else []
    if duplicates:
        parts.append(f"{duplicates} duplicate{'s' if duplicates > 1 else ''}")
    return ", ".join(parts)


def recording_name(transcript: Transcript) -> str:
    """What the recording is called: the name of its first file, without folder and ending."""
    return PurePath(transcript.sources[0]).stem if transcript.sources else "recording"


def token(name: str) -> str:
    """A name as one field of a format whose fields are parted by spaces."""
    return "_".join(name.split()) or "<NA>"


def one_line(text: str) -> str:
    """Without line breaks and doubled spaces, which mean something in most formats."""
    return " ".join(text.split())


def clock(seconds: float, places: int = 3, mark: str = ".") -> str:
    """Hours, minutes and seconds, rounded: 01:02:03.500."""
    whole, part = divmod(round(seconds * 10**places), 10**places)
    shown_part = f"{mark}{part:0{places}d}" if places else ""
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}{shown_part}"


def facts(transcript: Transcript) -> list[tuple[str, str]]:
    """What stands at the head of a document: the recording, and what did the recognising."""
    engine = transcript.engine
    kind = f", {engine.compute_type}" if engine.compute_type else ""
    rows = [
        ("Recording", ", ".join(PurePath(each).name for each in transcript.sources)),
        ("Duration", clock(transcript.duration, 0)),
        ("Channels", ", ".join(_described(transcript))),
        ("Engine", f"{engine.name}, {engine.model} on {engine.device}{kind}"),
    ]
    if engine.fallback_reason:
        rows.append(("Fallback", engine.fallback_reason))
    if hidden := left_out(transcript):
        rows.append(("Not shown", f"{hidden} (the JSON has them)"))
    return rows


def warnings(transcript: Transcript) -> list[str]:
    """What a reader has to know before trusting the rest."""
    broken_off = [] if transcript.complete else ["Broken off: the end of the recording is missing."]
    return broken_off + [one_line(notice.message) for notice in transcript.notices]


def _described(transcript: Transcript) -> Iterator[str]:
    for channel in transcript.channels:
        yield f"{channel.label} ({channel.language})" if channel.language else channel.label
