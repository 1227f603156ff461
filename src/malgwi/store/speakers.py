"""Speakers under other names, wherever they speak: a revision like any other."""

from collections.abc import Mapping
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy import Connection

from malgwi.errors import BadOption
from malgwi.store import rows, transcripts
from malgwi.store.base import Authorship, Revision, RevisionKind
from malgwi.store.schema import utterance

_NOBODY = ""


def rename(  # noqa: PLR0913, PLR0917 - of what, from when, what, where, by whom
    connection: Connection,
    transcript_id: str,
    base: int,
    names: Mapping[str, str],
    channel: int | None,
    by: Authorship,
) -> Revision:
    if _NOBODY in names and channel is None:
        raise BadOption(
            "Utterances without a speaker are given one on one channel at a time. Name the channel."
        )
    transcripts.lock(connection, transcript_id, base)
    called = [utterance.c.speaker.in_([name for name in names if name])]
    nobody = [utterance.c.speaker.is_(None)] if _NOBODY in names else []
    query = sa.select(utterance).where(
        utterance.c.transcript_id == transcript_id,
        utterance.c.until_revision.is_(None),
        sa.or_(*called, *nobody),
    )
    if channel is not None:
        query = query.where(utterance.c.channel == channel)
    found = map(rows.utterance, connection.execute(query))
    new = [replace(each, speaker=names[each.speaker or _NOBODY] or None) for each in found]
    by = replace(by, kind=RevisionKind.SPEAKERS)
    return transcripts.revise(connection, transcript_id, base, new, by)
