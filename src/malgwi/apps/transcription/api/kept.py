"""A transcript as it is asked for: a revision of it, all channels or one."""

from dataclasses import dataclass, replace

from malgwi.errors import NotFound
from malgwi.store import Store, TranscriptRecord
from malgwi.types import Transcript


@dataclass(frozen=True, slots=True)
class Kept:
    """A transcript, and which one it is."""

    record: TranscriptRecord
    number: int
    """Of the revision."""
    transcript: Transcript


def kept(store: Store, transcript_id: str, revision: int | None, channel: int | None) -> Kept:
    """Raises NotFound for what there is not."""
    record = store.transcript_record(transcript_id)
    number = record.revision if revision is None else revision
    transcript = store.transcript(transcript_id, number)
    if channel is not None:
        transcript = _of_channel(transcript, transcript_id, channel)
    return Kept(record, number, transcript)


def _of_channel(transcript: Transcript, transcript_id: str, index: int) -> Transcript:
    for each in transcript.channels:
        if each.index == index:
            of_it = transcript.of_channel(index)
            return replace(transcript, channels=(each,), utterances=of_it)
    count = len(transcript.channels)
    raise NotFound(f"Transcript {transcript_id} has {count} channels, and none is {index}.")
