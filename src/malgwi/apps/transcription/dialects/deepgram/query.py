"""The parameters of Deepgram's /v1/listen, and what they ask of the service."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from malgwi.apps.transcription.dialects.languages import wanted_language
from malgwi.apps.transcription.dialects.reception import hotwords, not_known
from malgwi.apps.transcription.dialects.refusals import Unsupported
from malgwi.apps.transcription.service import Wanted
from malgwi.gateway import BadField, Form, FormModel, read_form
from malgwi.scheduling import Lane

_DETECT = ("true", "false")  # of detect_language; anything else is a language to choose from
_SPEAKERS = "Speakers cannot be told apart yet. Leave {} out; multichannel keeps channels apart."
_REFUSED = {
    "diarize": _SPEAKERS,
    "diarize_model": _SPEAKERS,
    "callback": "Nothing is called back yet: the answer to the request has the result. "
    "Leave {} out.",
    "redact": "Nothing is redacted here, and who asks for it relies on it. Leave {} out.",
}


class ListenQuery(FormModel):
    """The parameters that change something, or that all answers do anyway."""

    model: str = ""
    """Name or alias; empty for the default."""
    language: str = ""
    """BCP 47, of which the language counts and the region does not; empty or `multi` to detect."""
    detect_language: tuple[str, ...] = ()
    """`true`, or the languages to choose from."""
    multichannel: bool = False
    """Channels are kept apart in any case; without it, a warning says so."""
    utterances: bool = False
    utt_split: Annotated[float, Field(gt=0, le=60)] = 0.8
    """Seconds of pause at which an utterance ends."""
    paragraphs: bool = False
    keyterm: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    """Likewise; the weight behind a colon is left off."""
    punctuate: bool = True
    """Always."""
    smart_format: bool = True
    """Always."""
    encoding: str = ""
    """`linear16` where the body is bare samples."""
    sample_rate: Annotated[int, Field(ge=1000, le=384_000)] = 16_000
    channels: Annotated[int, Field(ge=1, le=64)] = 1
    diarize: bool = False
    diarize_model: str = ""
    callback: str = ""
    redact: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """All that a query asks for."""

    query: ListenQuery
    wanted: Wanted
    ignored: list[str]
    """Parameters that change nothing."""


def asked_of(form: Form, lane: Lane) -> Asked:
    """Raises BadField, and Unsupported for what would be missed if it were left out."""
    query = read_form(ListenQuery, form)
    for name, message in _REFUSED.items():
        if getattr(query, name):
            raise Unsupported(name, message.format(name))
    if query.encoding not in ("", "linear16"):
        raise BadField("encoding", "of sound without a header only linear16 is taken; send a file")
    pointless = [name for name in ("punctuate", "smart_format") if not getattr(query, name)]
    return Asked(query, _wanted(query, lane), not_known(form, ListenQuery) + pointless)


def _wanted(query: ListenQuery, lane: Lane) -> Wanted:
    choice = [_language(each) for each in query.detect_language if each.lower() not in _DETECT]
    language = None if choice or "true" in query.detect_language else _language(query.language)
    terms = [each.partition(":")[0] for each in query.keywords]
    return Wanted(
        model=query.model,
        languages=[language] if language else (),
        among=[each for each in choice if each],
        hotwords=hotwords([*query.keyterm, *terms]),
        lane=lane,
    )


def _language(tag: str) -> str | None:
    """Without the region: `en` for `en-US`."""
    return wanted_language(tag.partition("-")[0])
