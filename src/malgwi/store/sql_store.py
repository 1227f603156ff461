"""The store over a database and a folder: each method is a transaction, made of the modules."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any

from sqlalchemy import Connection

from malgwi.errors import NotFound, StoreError
from malgwi.store import (
    audit,
    identity,
    keys,
    last_backup,
    media,
    migration,
    outline,
    recordings,
    speakers,
    transcripts,
)
from malgwi.store.base import (
    ApiKey,
    AuditEntry,
    Authorship,
    Correction,
    Difference,
    Media,
    NewRecording,
    Page,
    Paging,
    Placed,
    Recording,
    RecordingChanges,
    RecordingFilter,
    RecordingOrder,
    Revision,
    Role,
    TranscriptRecord,
    UtteranceFilter,
)
from malgwi.store.engine import connect
from malgwi.store.ids import new_id
from malgwi.store.media import GRACE, PORTION, Incoming, MediaFolder
from malgwi.store.media_cache import FOLDER, Elsewhere, MediaCache
from malgwi.store.outline_base import Outline
from malgwi.types import Transcript, Utterance

MEDIA = "media"

logger = logging.getLogger(__name__)

_ALL = RecordingFilter()
_CURRENT = UtteranceFilter()
_FIRST = Paging()
_SOMEBODY = Authorship()


class SqlStore:
    """Fulfils `Store`. Opening it brings the database to the tables of this program.

    Raises StoreError where the database is a newer program's, or not that of the folder.
    """

    def __init__(self, url: str, data_folder: Path, elsewhere: Elsewhere | None = None) -> None:
        """What is not in the folder is read from `elsewhere`."""
        identity.make(data_folder)  # the database may lie in it
        self.database = connect(url)
        media_folder = data_folder / MEDIA
        self._media = MediaFolder(media_folder)
        self._elsewhere = elsewhere
        self._cache = MediaCache(data_folder / FOLDER, elsewhere.bound if elsewhere else 0)
        try:
            migration.upgrade(self.database)
            self.instance = identity.establish(
                self.database, data_folder, media_folder, elsewhere=elsewhere is not None
            )
            self._media.make()
            if elsewhere:
                self._cache.make()
        except BaseException:
            self.database.close()
            raise

    def close(self) -> None:
        self.database.close()

    # -- recordings

    def add_recording(self, new: NewRecording) -> Recording:
        return self.database.write(lambda it: recordings.add(it, new))

    def recording(self, recording_id: str) -> Recording:
        return self.database.read(lambda it: recordings.find(it, recording_id))

    def recordings(
        self,
        which: RecordingFilter = _ALL,
        paging: Paging = _FIRST,
        order: RecordingOrder = RecordingOrder.NEWEST,
    ) -> Page[Recording]:
        return self.database.read(lambda it: recordings.listed(it, which, paging, order))

    def update_recording(self, recording_id: str, changes: RecordingChanges) -> Recording:
        return self.database.write(lambda it: recordings.update(it, recording_id, changes))

    def delete_recording(self, recording_id: str) -> None:
        self.database.write(lambda it: recordings.delete(it, recording_id))

    def purge_recording(self, recording_id: str) -> None:
        for each in self.database.write(lambda it: recordings.purge(it, recording_id)):
            self._release(each)  # what a kill leaves of them is swept later

    # -- media

    def keep_media(
        self, content: Iterable[bytes], content_type: str | None = None, size: int = 0
    ) -> Media:
        if size:
            self._media.check_room(size)
        incoming = self._media.receive(content)
        try:
            return self._register(incoming, content_type)
        finally:
            # In its place by now; or it is not wanted, and whoever tries again brings another.
            incoming.path.unlink(missing_ok=True)

    def take_media(self, path: Path, content_type: str | None = None) -> Media:
        return self._register(self._media.adopt(path), content_type)

    def media(self, sha256: str) -> Media:
        return self.database.read(lambda it: media.find(it, sha256))

    def media_path(self, sha256: str) -> Path:
        path = self._media.path(sha256)
        if not path.is_file():
            raise NotFound(f"There is no media {sha256}.")
        return path

    @contextmanager
    def reading_media(self, sums: Sequence[str], stop: Event) -> Iterator[list[Path]]:
        try:
            here = [self.media_path(each) for each in sums]
        except NotFound:
            if self._elsewhere is None:
                raise
        else:
            yield here
            return
        wanted = [self.media(each) for each in sums]
        with self._cache.reading(wanted, self._elsewhere.source.fetch, stop) as paths:
            yield paths

    def sweep_fetched(self) -> int:
        """Removes media of another node that are kept there no more. How many."""
        if self._elsewhere is None:
            return 0
        sums, removed = iter(self._cache.sums()), 0
        while some := list(islice(sums, PORTION)):
            gone = self.database.read(partial(media.without_row, digests=some))
            removed += self._cache.remove(gone)
        return removed

    def last_backup(self) -> datetime | None:
        """The moment that it is of; None where none was made of this installation."""
        return self.database.read(last_backup.find)

    def media_bytes(self) -> int:
        """Of all media together."""
        return self.database.read(media.total)

    def media_faults(self) -> Iterator[tuple[str, str]]:
        after = ""
        while some := self.database.read(partial(media.portion, after=after)):
            for each in some:
                if fault := self._media.fault(each.sha256, each.size):
                    yield each.sha256, fault
            after = some[-1].sha256

    def sweep_media(self) -> int:
        unused = self.database.read(lambda it: media.unused(it, datetime.now(UTC) - GRACE))
        return (
            sum(map(self._release, unused))
            + sum(map(self._release_orphan, self._orphans()))
            + self._media.clear()
        )

    # -- transcripts

    def save_transcript(
        self, recording_id: str, transcript: Transcript, key: str | None = None
    ) -> TranscriptRecord:
        return self.database.write(lambda it: transcripts.save(it, recording_id, transcript, key))

    def saving(
        self, recording_id: str, transcript: Transcript, key: str
    ) -> tuple[str, Callable[[Connection], None]]:
        transcript_id = new_id()

        def save(connection: Connection) -> None:
            transcripts.save(connection, recording_id, transcript, key, transcript_id)

        return transcript_id, save

    def transcripts(self, recording_id: str) -> tuple[TranscriptRecord, ...]:
        return self.database.read(lambda it: transcripts.of_recording(it, recording_id))

    def transcript_record(self, transcript_id: str) -> TranscriptRecord:
        return self.database.read(lambda it: transcripts.record(it, transcript_id))

    def transcript(self, transcript_id: str, revision: int | None = None) -> Transcript:
        return self.database.read(lambda it: transcripts.read(it, transcript_id, revision))

    def outline(self, transcript_id: str, revision: int | None = None) -> Outline:
        return self.database.read(lambda it: outline.read(it, transcript_id, revision))

    def utterances(
        self, transcript_id: str, which: UtteranceFilter = _CURRENT, paging: Paging = _FIRST
    ) -> Page[Placed]:
        return self.database.read(
            lambda it: transcripts.utterances(it, transcript_id, which, paging)
        )

    def correct(
        self,
        transcript_id: str,
        base_revision: int,
        corrections: Sequence[Correction],
        by: Authorship = _SOMEBODY,
    ) -> Revision:
        return self.database.write(
            lambda it: transcripts.correct(it, transcript_id, base_revision, corrections, by)
        )

    def revise(
        self,
        transcript_id: str,
        base_revision: int,
        utterances: Sequence[Utterance],
        by: Authorship,
    ) -> Revision:
        return self.database.write(
            lambda it: transcripts.revise(it, transcript_id, base_revision, utterances, by)
        )

    def rename_speakers(
        self,
        transcript_id: str,
        base_revision: int,
        names: Mapping[str, str],
        channel: int | None,
        by: Authorship,
    ) -> Revision:
        return self.database.write(
            lambda it: speakers.rename(it, transcript_id, base_revision, names, channel, by)
        )

    def undo(
        self, transcript_id: str, base_revision: int, to: int, by: Authorship = _SOMEBODY
    ) -> Revision:
        return self.database.write(
            lambda it: transcripts.undo(it, transcript_id, base_revision, to, by)
        )

    def revisions(self, transcript_id: str) -> tuple[Revision, ...]:
        return self.database.read(lambda it: transcripts.revisions(it, transcript_id))

    def diff(self, transcript_id: str, before: int, after: int) -> tuple[Difference, ...]:
        return self.database.read(lambda it: transcripts.diff(it, transcript_id, before, after))

    # -- who may, and who did

    def new_key(self, name: str, role: Role, expires: datetime | None = None) -> tuple[ApiKey, str]:
        return self.database.write(lambda it: keys.new(it, name, role, expires))

    def key(self, presented: str) -> ApiKey | None:
        found = self.database.read(lambda it: keys.opened_by(it, presented))
        if found is not None and keys.is_news(found):
            self._note_use(found.id)
        return found

    def keys(self) -> tuple[ApiKey, ...]:
        return self.database.read(keys.listed)

    def revoke_key(self, key_id: str) -> ApiKey:
        return self.database.write(lambda it: keys.revoke(it, key_id))

    def note(
        self,
        action: str,
        target: str | None = None,
        actor: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> AuditEntry:
        new = audit.entry(action, target, actor, details)
        return self.database.write(lambda it: audit.add(it, new))

    def trail(self, target: str | None = None, paging: Paging = _FIRST) -> Page[AuditEntry]:
        return self.database.read(lambda it: audit.trail(it, target, paging))

    def _note_use(self, key_id: str) -> None:
        try:
            self.database.write(lambda it: keys.used(it, key_id))
        except StoreError as error:  # a disk that is full keeps nobody from reading
            logger.warning("the use of a key is not noted", extra={"key": key_id}, exc_info=error)

    def _register(self, incoming: Incoming, content_type: str | None) -> Media:
        return self.database.write(
            lambda it: media.register(it, self._media, incoming, content_type)
        )

    def _release(self, digest: str) -> bool:
        before = datetime.now(UTC) - GRACE
        return self.database.write(lambda it: media.release(it, self._media, digest, before))

    def _release_orphan(self, digest: str) -> bool:
        return self.database.write(lambda it: media.release_orphan(it, self._media, digest))

    def _orphans(self) -> Iterator[str]:
        old = self._media.old()
        while some := list(islice(old, PORTION)):
            yield from self.database.read(partial(media.without_row, digests=some))
