"""Reading the outline of a transcript: texts and words, most of what is kept, stay on the disk.

Every function asks within the transaction that it is given.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from malgwi.store import rows, transcripts
from malgwi.store.base import RevisionKind
from malgwi.store.corrections import RULE
from malgwi.store.outline_base import LOW_CONFIDENCE, Flag, Outline
from malgwi.store.schema import recording, revision, utterance
from malgwi.types import Engine, Notice

_MARKS = (
    sa.case((utterance.c.confidence < LOW_CONFIDENCE, int(Flag.LOW_CONFIDENCE)), else_=0)
    + sa.case((utterance.c.duplicate_of.is_not(None), int(Flag.DUPLICATE)), else_=0)
    + sa.case((utterance.c.suppressed.is_not(None), int(Flag.SUPPRESSED)), else_=0)
)
_COLUMNS = (
    utterance.c.id,
    utterance.c.channel,
    utterance.c.start,
    utterance.c.end,
    utterance.c.speaker,
    utterance.c.language,
    _MARKS,
    sa.case((utterance.c.changes != [], utterance.c.changes)),  # few have any
)


def read(connection: Connection, transcript_id: str, number: int | None) -> Outline:
    row = transcripts.row_of(connection, transcript_id)
    number = row.revision if number is None else number
    query = transcripts.as_of(row, number).order_by(utterance.c.position)
    found = connection.execute(query.with_only_columns(*_COLUMNS)).all()
    # By column: reading twenty thousand rows by name takes as long as the database did.
    columns: list[Sequence[Any]] = list(zip(*found, strict=True)) or [()] * len(_COLUMNS)
    ids, channels, starts, ends, said_by, languages, marks, changes = columns
    speakers = tuple(dict.fromkeys(each for each in said_by if each is not None))
    places = {None: -1, **{name: place for place, name in enumerate(speakers)}}
    first = _recognised_speakers(connection, transcript_id, number)
    about = sa.select(recording.c.name, recording.c.started)
    name, started = connection.execute(about.where(recording.c.id == row.recording_id)).one()
    return Outline(
        transcript_id=transcript_id,
        recording_id=row.recording_id,
        recording_name=name,
        revision=number,
        duration=row.duration,
        started=started,
        channels=rows.channels(row),
        speakers=speakers,
        languages=tuple(dict.fromkeys(languages)),
        engine=Engine(**row.engine),
        notices=tuple(Notice(**each) for each in row.notices),
        id=ids,
        channel=channels,
        start=[round(each, 3) for each in starts],
        end=[round(each, 3) for each in ends],
        speaker=[places[each] for each in said_by],
        flags=list(_flags(zip(ids, said_by, marks, changes, strict=True), first)),
    )


def _flags(
    found: Iterable[tuple[str, str | None, int, Sequence[Any] | None]],
    first: dict[str, str | None],
) -> Iterator[int]:
    corrected, ruled = int(Flag.CORRECTED), int(Flag.RULED)
    for id, speaker, marks, changes in found:
        rules = {change[0] for change in changes or ()}
        is_corrected = RULE in rules or first.get(id, speaker) != speaker
        yield (marks | (corrected if is_corrected else 0) | (ruled if rules - {RULE} else 0))


def _recognised_speakers(
    connection: Connection, transcript_id: str, number: int
) -> dict[str, str | None]:
    """By utterance, whom the first revision has, for those that somebody corrected since."""
    made = sa.and_(
        revision.c.transcript_id == utterance.c.transcript_id,
        revision.c.number == utterance.c.from_revision,
    )
    corrected = sa.select(utterance.c.id).join(revision, made)
    corrected = corrected.where(
        utterance.c.transcript_id == transcript_id,
        revision.c.number.between(2, number),
        revision.c.kind == RevisionKind.CORRECTION,
    )
    query = sa.select(utterance.c.id, utterance.c.speaker).where(
        utterance.c.transcript_id == transcript_id,
        utterance.c.from_revision == 1,
        utterance.c.id.in_(corrected),
    )
    return {each.id: each.speaker for each in connection.execute(query)}
