"""cpWER: words count as heard only in the mouth of the one who said them.

Whose mouth is matched so that the fewest errors come out. Where the engine told speakers apart,
the streams are its speakers; where it did not, they are the channels, which is who spoke as far
as sixteen radio channels or the two ends of a call are concerned.
"""

from collections.abc import Iterable, Mapping

from malgwi.apps.evaluation.normalise import UNSPACED, words
from malgwi.apps.evaluation.rates import Errors, Unmeasured
from malgwi.apps.evaluation.reference import Reference
from malgwi.types import Transcript, Utterance

Streams = Mapping[str, str]


def attributed_errors(
    reference: Reference, transcript: Transcript, language: str | None
) -> Errors | Unmeasured:
    """Words that were not heard, or heard in another stream."""
    if not reference.segments:
        return Unmeasured("no reference says who spoke")
    if language in UNSPACED:
        return Unmeasured("the language writes no spaces between words")
    streams = _streams(reference, transcript)
    if isinstance(streams, Unmeasured):
        return streams
    said, heard = ({key: " ".join(words(text, language)) for key, text in side.items()}
                   for side in streams)  # fmt: skip
    return _match(said, heard)


def _streams(reference: Reference, transcript: Transcript) -> tuple[Streams, Streams] | Unmeasured:
    shown = [each for each in transcript.utterances if each.counts]
    speakers = {each.speaker for each in reference.segments}
    if shown and all(each.speaker is not None for each in shown):
        said = {speaker: reference.of_speaker(speaker) for speaker in speakers}
        return said, _by(shown, speaker=True)
    if len(transcript.channels) > 1:
        channels = {each.channel for each in reference.segments}
        said = {str(channel): reference.of_channel(channel) for channel in channels}
        return said, _by(shown, speaker=False)
    if len(speakers) < 2:
        return Unmeasured("only one person speaks")
    return Unmeasured("several people share the channel and the engine does not tell them apart")


def _by(utterances: Iterable[Utterance], *, speaker: bool) -> Streams:
    streams: dict[str, list[str]] = {}
    for each in utterances:
        key = str(each.speaker) if speaker else str(each.channel)
        streams.setdefault(key, []).append(each.text)
    return {key: " ".join(texts) for key, texts in streams.items()}


def _match(said: Streams, heard: Streams) -> Errors | Unmeasured:
    try:
        from meeteval.wer import cp_word_error_rate
    except ModuleNotFoundError:
        return Unmeasured("meeteval is not installed: pip install 'malgwi[cpwer]'")
    found = cp_word_error_rate(said, heard, reference_sort=False, hypothesis_sort=False)
    return Errors(found.substitutions, found.deletions, found.insertions, found.length)
