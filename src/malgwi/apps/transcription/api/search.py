"""/v1/search: where it was said."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from malgwi.apps.transcription.api.access import SCHEMES, Viewer
from malgwi.apps.transcription.api.fields import ChannelIndex, Cursor, Limit, Moment, Seconds, Truth
from malgwi.apps.transcription.api.pages import PageOf
from malgwi.apps.transcription.api.problems import problems
from malgwi.store import Hit, Line, Order, Paging, Search, SearchFilter

_PAGING = {"q", "order", "cursor", "limit"}


class SearchQuery(BaseModel):
    """What is looked for, and where; each that is given has to be true."""

    model_config = ConfigDict(extra="forbid")

    q: Annotated[str, Field(min_length=1, max_length=1000, examples=["북문에서"])]
    order: Order = Order.RELEVANCE
    since: Moment | None = None
    """It was said then or later, by the wall clock."""
    until: Moment | None = None
    after: Seconds | None = None
    """It starts at this second of its recording or later."""
    before: Seconds | None = None
    channel: ChannelIndex | None = None
    speaker: Annotated[str | None, Field(max_length=300)] = None
    label: Annotated[str | None, Field(max_length=200)] = None
    """Of the recording."""
    recording: Annotated[str | None, Field(max_length=100)] = None
    transcript: Annotated[str | None, Field(max_length=100)] = None
    hidden: Truth = False
    """Also what is suppressed or a duplicate."""
    cursor: Cursor = None
    limit: Limit = 50


class LineOut(BaseModel):
    """What was said beside a hit."""

    utterance: str
    channel: int
    channel_label: str
    speaker: str | None
    start: float
    text: str


class HitOut(BaseModel):
    """An utterance in which it is."""

    recording: str
    recording_name: str
    transcript: str
    revision: int
    utterance: str
    channel: int
    channel_label: str
    """As it is called now."""
    speaker: str | None
    start: float
    """The second of the recording to play from."""
    end: float
    """To this one."""
    at: datetime | None
    """The wall clock then; null where nobody knows when the recording started."""
    text: str
    parts: list[tuple[int, int]]
    """What is to be marked: characters of `text`, from and to."""
    before: LineOut | None
    after: LineOut | None
    score: float
    """0 to 1; comparable among the hits of a query."""


def router(search: Search) -> APIRouter:
    routes = APIRouter(tags=["search"], responses=problems(), dependencies=SCHEMES)

    @routes.get("/v1/search")
    def search_transcripts(
        caller: Viewer, query: Annotated[SearchQuery, Query()]
    ) -> PageOf[HitOut]:
        """The current revisions of what is not deleted. A page may have fewer hits than it could,
        or none, and yet not be the last one."""
        which = SearchFilter(**query.model_dump(exclude=_PAGING))
        paging = Paging(query.cursor, query.limit)
        page = search.find(query.q, which, query.order, paging)
        return PageOf(items=list(map(_hit_out, page.items)), next_cursor=page.next_cursor)

    return routes


def _hit_out(hit: Hit) -> HitOut:
    return HitOut(
        recording=hit.recording,
        recording_name=hit.recording_name,
        transcript=hit.transcript,
        revision=hit.revision,
        utterance=hit.utterance,
        channel=hit.channel,
        channel_label=hit.channel_label,
        speaker=hit.speaker,
        start=hit.start,
        end=hit.end,
        at=hit.at,
        text=hit.text,
        parts=list(hit.parts),
        before=None if hit.before is None else _line_out(hit.before),
        after=None if hit.after is None else _line_out(hit.after),
        score=hit.score,
    )


def _line_out(line: Line) -> LineOut:
    return LineOut(
        utterance=line.utterance,
        channel=line.channel,
        channel_label=line.channel_label,
        speaker=line.speaker,
        start=line.start,
        text=line.text,
    )
