"""What was said, as every dialect tells it: what counts, in the order in which it was said."""

import io
from collections.abc import Iterable

from malgwi.apps.transcription.formats import FORMATS
from malgwi.apps.transcription.formats.shown import channel_labels, one_line
from malgwi.types import Transcript, Utterance


def spoken(utterances: Iterable[Utterance]) -> list[Utterance]:
    """Nothing suppressed, nothing twice, nothing empty."""
    return [each for each in utterances if each.counts and each.text.strip()]


def text_of(transcript: Transcript) -> str:
    return " ".join(each.text for each in spoken(transcript.utterances))


def lines_of(transcript: Transcript) -> list[str]:
    """A line an utterance; where there are several channels, each says whose it is."""
    several = len(transcript.channels) > 1
    labels = channel_labels(transcript)
    return [
        one_line(f"{labels[each.channel]}: {each.text}" if several else each.text)
        for each in spoken(transcript.utterances)
    ]


def main_language(transcript: Transcript) -> str | None:
    """The language of most of the speech; None where nobody spoke and none was given."""
    seconds: dict[str, float] = {}
    for each in spoken(transcript.utterances):
        seconds[each.language] = seconds.get(each.language, 0.0) + each.span.duration
    if seconds:
        return max(seconds, key=lambda language: seconds[language])
    known = (channel.language for channel in transcript.channels)
    return next((language for language in known if language), None)


def rendered(transcript: Transcript, name: str) -> str:
    """As a file of that format."""
    file = io.StringIO()
    FORMATS[name].write(transcript, file)
    return file.getvalue()
