"""The jobs that this API adds to the ledger, and what each is told."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, field_validator

from malgwi.apps.transcription.api.access import Caller
from malgwi.apps.transcription.api.doors import ApiDoors
from malgwi.apps.transcription.api.fields import Hint
from malgwi.apps.transcription.orders import KIND, Order
from malgwi.errors import NotFound
from malgwi.gateway import BadField, FormModel
from malgwi.types import Job, JobState, Lane

GLOSSARY = "glossary"
"""The kind of job that rewrites transcripts. Its payload: `glossary`, a name; `revision`, of it;
`transcripts`, ids; `author`, of a key or null."""

QUEUES = {Lane.LIVE: "realtime", Lane.INTERACTIVE: "realtime", Lane.BATCH: "batch"}

_DETECT = ("", "auto")

WantedLane = Literal["interactive", "batch"]
Language = Annotated[str, StringConstraints(pattern="^([a-z]{2,3}|auto)?$")]


class Wanted(FormModel):
    """How a recording is to be transcribed."""

    model: Annotated[str, StringConstraints(max_length=200)] = ""
    """Name or alias; empty for the default."""
    languages: Annotated[tuple[Language, ...], Field(max_length=64)] = ()
    """ISO 639-1, one for all channels or one a channel; none, or `auto`, to detect it."""
    prompt: Hint = ""
    hotwords: Hint = ""
    glossary: Annotated[str, StringConstraints(max_length=300)] = ""
    """The name of one that is kept; the revision that is current then is used."""
    lane: WantedLane = "batch"
    """`interactive` goes first: somebody waits for it."""

    @field_validator("languages", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class WantedAgain(Wanted):
    """How a recording is to be transcribed once more."""

    model_config = ConfigDict(extra="forbid")


def check_wanted(doors: ApiDoors, wanted: Wanted) -> None:
    """Raises BadField where there is no such glossary: before anything is kept."""
    if wanted.glossary:
        try:
            doors.glossaries.find(wanted.glossary)
        except NotFound as error:
            raise BadField("glossary", "there is none of that name") from error


def transcription(
    doors: ApiDoors, caller: Caller, recording_id: str, wanted: Wanted, key: str | None
) -> Job:
    """The job, which the queue was told of. `key` makes it once."""
    languages = tuple(None if each in _DETECT else each for each in wanted.languages)
    order = Order(
        recording_id,
        languages=languages if any(languages) else (),
        model=wanted.model,
        prompt=wanted.prompt,
        hotwords=wanted.hotwords,
        glossary=wanted.glossary or None,
    )
    lane = Lane(wanted.lane)
    return told(
        doors,
        doors.ledger.add(
            KIND,
            order.payload,
            lane=lane,
            queue=QUEUES[lane],
            key=key,
            recording_id=recording_id,
            owner=caller.id,
        ),
    )


def told(doors: ApiDoors, job: Job) -> Job:
    """The same job, after the queue was told of it if there is something to do."""
    if job.state is JobState.QUEUED:
        doors.send(job)
    return job


def asked_key(caller: Caller, key: str | None) -> str | None:
    """An idempotency key of whoever asks: another's may have the same name. An empty one is none,
    as all without one would be one recording."""
    return f"{caller.id or ''}:{key}" if key and key.strip() else None
