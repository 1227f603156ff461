"""What we know and a dialect has no place for: under one key, `x_malgwi`, and in headers.

So a strict client still reads its own dialect, and one that cares sees which engine was at
work, on what, what was left out and what of the request was not done.
"""

import re
from collections.abc import Sequence

from pydantic import BaseModel

from malgwi.apps.transcription.dialects.measures import probability
from malgwi.types import Transcript, Utterance

MOST_NAMES = 32
_UNSAFE = re.compile(r"[^\w\[\].-]", re.ASCII)
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


class ChannelExtras(BaseModel):
    """A channel of the recording; it is never mixed with another."""

    index: int
    label: str
    language: str | None
    language_probability: float | None
    """None where the language was given, or there was nothing to tell it from."""


class NoticeExtras(BaseModel):
    """Something to know about the result: docs/reference/notices.md."""

    code: str
    message: str


class Extras(BaseModel):
    """Of an answer."""

    engine: str
    model: str
    device: str
    compute_type: str | None
    fallback_reason: str | None
    channels: list[ChannelExtras]
    notices: list[NoticeExtras]
    ignored: list[str]
    """Fields of the request that changed nothing."""
    suppressed: int
    """Utterances that are left out because nobody is thought to have said them."""
    duplicates: int
    """Utterances that are left out because another channel has them, heard better."""


class UtteranceExtras(BaseModel):
    """Of a segment or an utterance."""

    id: str
    channel: int
    channel_label: str
    raw_text: str
    """As the engine gave it, before the text rules."""
    confidence: float | None
    changes: list[str]
    """The text rules, glossary entries among them, that changed it."""


def extras(transcript: Transcript, ignored: Sequence[str]) -> Extras:
    engine, utterances = transcript.engine, transcript.utterances
    return Extras(
        engine=engine.name,
        model=engine.model,
        device=engine.device,
        compute_type=engine.compute_type,
        fallback_reason=engine.fallback_reason,
        channels=[
            ChannelExtras(
                index=each.index,
                label=each.label,
                language=each.language,
                language_probability=probability(each.language_probability),
            )
            for each in transcript.channels
        ],
        notices=[NoticeExtras(code=each.code, message=each.message) for each in transcript.notices],
        ignored=list(ignored),
        suppressed=sum(each.suppressed is not None for each in utterances),
        duplicates=sum(each.duplicate_of is not None for each in utterances),
    )


def utterance_extras(each: Utterance, label: str) -> UtteranceExtras:
    return UtteranceExtras(
        id=each.id,
        channel=each.channel,
        channel_label=label,
        raw_text=each.raw_text,
        confidence=probability(each.confidence),
        changes=list(dict.fromkeys(change.rule for change in each.changes)),
    )


def extra_headers(transcript: Transcript, ignored: Sequence[str]) -> dict[str, str]:
    """The same for answers that are plain text, as far as it fits."""
    engine = transcript.engine
    found = {
        "X-Malgwi-Channels": str(len(transcript.channels)),
        "X-Malgwi-Model": engine.model,
        "X-Malgwi-Device": engine.device,
        "X-Malgwi-Fallback": engine.fallback_reason or "",
        "X-Malgwi-Notices": ",".join(dict.fromkeys(each.code for each in transcript.notices)),
        "X-Malgwi-Ignored": ",".join(ignored),
    }
    return {name: _UNPRINTABLE.sub("?", value) for name, value in found.items() if value}


def printable(names: Sequence[str]) -> list[str]:
    """Names of fields from outside, so that they can be said in an answer and its headers."""
    return [_UNSAFE.sub("?", name[:64]) for name in names[:MOST_NAMES]]
